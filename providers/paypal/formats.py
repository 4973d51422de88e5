"""PayPal's export files as data: settlement, transaction and case reports, and the web download.

The columns of the reports are PayPal's own; the words of the download are those of its English,
German, Spanish and French pages. A type that is not named becomes an `unknown_kind` break.
"""

from collections.abc import Mapping

from domain.export_shape import ActivityFormat, SectionedFormat
from domain.settlement import ExportFormat, LineKind, lines_format
from providers.paypal.exports import EVENT_CODES, NOT_MONEY

_KINDS: Mapping[str, LineKind] = {
    **{code.lower(): kind for code, kind in EVENT_CODES.items()},
    **dict.fromkeys(("t0200", "t0201", "t0202"), LineKind.CONVERSION),
}
"""Event code, lower case -> kind of line."""

_FLAGGED = frozenset(
    {"Transaction ID", "Transaction Event Code", "Transaction Debit or Credit",
     "Gross Transaction Amount", "Gross Transaction Currency", "Fee Amount"}
)  # fmt: skip


def _report(name: str, signature: frozenset[str], status: str = "") -> SectionedFormat:
    return SectionedFormat(
        name=name,
        provider="paypal",
        signature=signature,
        reference="Transaction ID",
        source="Transaction ID",
        amount="Gross Transaction Amount",
        fee="Fee Amount",
        net="",
        currency="Gross Transaction Currency",
        category="Transaction Event Code",
        kinds=_KINDS,
        occurred_at=("Transaction Completion Date", "Transaction Initiation Date"),
        parent="PayPal Reference ID",
        ours=("Custom Field",),
        bank_reference="Bank Reference ID",
        amount_flag="Transaction Debit or Credit",
        fee_flag="Fee Debit or Credit",
        fee_currency="Fee Currency",
        status=status,
        settled=frozenset({"S"}),
        shown_only=NOT_MONEY,
    )


CASES = SectionedFormat(
    name="paypal.case_report",
    provider="paypal",
    signature=frozenset({"Case ID", "Original transaction ID", "Disputed amount", "Case status"}),
    reference="Case ID",
    source="Case ID",
    amount="Disputed amount",
    fee="",
    net="",
    currency="Disputed currency",
    category="Case type",
    kinds={},
    occurred_at=("Case filing date",),
    parent="Original transaction ID",
    moves=False,
    hundredths=False,
)

_ENGLISH = {
    name: name
    for name in (
        "Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net",
        "Transaction ID", "Reference Txn ID", "Invoice Number", "Custom Number", "Balance",
        "Balance Impact",
    )
}  # fmt: skip
_GERMAN = {
    "Datum": "Date", "Uhrzeit": "Time", "Zeitzone": "TimeZone", "Name": "Name", "Typ": "Type",
    "Beschreibung": "Type", "Status": "Status", "Währung": "Currency", "Brutto": "Gross",
    "Gebühr": "Fee", "Entgelt": "Fee", "Netto": "Net", "Transaktionscode": "Transaction ID",
    "Zugehöriger Transaktionscode": "Reference Txn ID", "Rechnungsnummer": "Invoice Number",
    "Guthaben": "Balance", "Auswirkung auf Guthaben": "Balance Impact",
}  # fmt: skip
_SPANISH = {
    "Fecha": "Date", "Hora": "Time", "Zona horaria": "TimeZone", "Nombre": "Name", "Tipo": "Type",
    "Descripción": "Type", "Estado": "Status", "Divisa": "Currency", "Moneda": "Currency",
    "Bruto": "Gross", "Comisión": "Fee", "Tarifa": "Fee", "Neto": "Net",
    "Id. de transacción": "Transaction ID", "Id. de referencia de trans.": "Reference Txn ID",
    "Número de factura": "Invoice Number", "Saldo": "Balance",
}  # fmt: skip
_FRENCH = {
    "Date": "Date", "Heure": "Time", "Fuseau horaire": "TimeZone", "Nom": "Name", "Type": "Type",
    "Description": "Type", "État": "Status", "Etat": "Status", "Devise": "Currency",
    "Avant commission": "Gross", "Brut": "Gross", "Commission": "Fee", "Frais": "Fee", "Net": "Net",
    "Numéro de transaction": "Transaction ID",
    "Numéro de la transaction de référence": "Reference Txn ID",
    "Numéro de facture": "Invoice Number", "Solde": "Balance", "Impact sur le solde":
    "Balance Impact",
}  # fmt: skip

_OFFSETS = {
    "UTC": "+00:00", "GMT": "+00:00", "BST": "+01:00", "WET": "+00:00", "WEST": "+01:00",
    "CET": "+01:00", "CEST": "+02:00", "MEZ": "+01:00", "MESZ": "+02:00", "EET": "+02:00",
    "EEST": "+03:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00",
    "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "JST": "+09:00",
    "AEST": "+10:00", "AEDT": "+11:00", "SGT": "+08:00", "HKT": "+08:00",
}  # fmt: skip
"""Abbreviation -> offset: PayPal states the one in force on the day."""

ACTIVITY = ActivityFormat(
    name="paypal.activity",
    provider="paypal",
    signature=frozenset(
        {"Date", "Time", "TimeZone", "Type", "Status", "Currency", "Gross", "Fee", "Net",
         "Transaction ID"}
    ),
    reference="Transaction ID",
    source="Transaction ID",
    amount="Gross",
    fee="Fee",
    net="Net",
    currency="Currency",
    category="Type",
    kinds={
        "express checkout payment": LineKind.CHARGE,
        "website payment": LineKind.CHARGE,
        "general payment": LineKind.CHARGE,
        "payment refund": LineKind.REFUND,
        "chargeback": LineKind.DISPUTE,
        "chargeback fee": LineKind.FEE,
        "chargeback reversal": LineKind.DISPUTE_REVERSAL,
    },
    occurred_at=("Date",),
    parent="Reference Txn ID",
    ours=("Custom Number",),
    titles=(_ENGLISH, _GERMAN, _SPANISH, _FRENCH),
    date="Date",
    time="Time",
    zone="TimeZone",
    zones=_OFFSETS,
    impact="Balance Impact",
    status="Status",
    settled=frozenset(
        {"completed", "refunded", "partially refunded", "reversed", "cleared",
         "abgeschlossen", "zurückgezahlt", "teilweise zurückgezahlt",
         "completado", "reembolsado", "reembolsado parcialmente",
         "terminé", "effectué", "remboursé", "partiellement remboursé"}
    ),
    patterns=(
        # What holds or releases money shows it only, whatever it is called.
        ("hold", "memo"), ("release", "memo"), ("authorization", "memo"), ("autorisierung", "memo"),
        ("currency conversion", "conversion"), ("währungsumrechnung", "conversion"),
        ("conversión de divisa", "conversion"), ("conversion de devise", "conversion"),
        ("refund", "refund"), ("rückzahlung", "refund"), ("reembolso", "refund"),
        ("remboursement", "refund"),
        ("withdrawal", "payout"), ("abbuchung", "payout"), ("retirada", "payout"),
        ("virement", "payout"),
        ("fee", "fee"),
        ("payment", "charge"), ("zahlung", "charge"), ("pago", "charge"), ("paiement", "charge"),
    ),
)  # fmt: skip

FORMATS: tuple[ExportFormat, ...] = (
    _report("paypal.settlement", _FLAGGED),
    _report(
        "paypal.transaction_detail",
        _FLAGGED | {"Transactional Status"},
        status="Transactional Status",
    ),
    CASES,
    ACTIVITY,
    lines_format("paypal", _KINDS, unique=False),
)
"""Every PayPal export that can be reconciled."""
