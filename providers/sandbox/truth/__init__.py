"""What really happened in the pretend world, in no provider's words.

Faces translate; they never decide. A rule about money belongs here, a rule about wording in a face.
"""
