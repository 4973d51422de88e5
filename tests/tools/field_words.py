"""What is said about the fields of a class: the string that stands under each in its source."""

import ast
import inspect
import textwrap


def field_words(section: type) -> dict[str, str]:
    """Field -> its docstring, for those that have one."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(section)))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    told: dict[str, str] = {}
    for field, following in zip(found.body, found.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            told[field.target.id] = str(following.value.value)
    return told
