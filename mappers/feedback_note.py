"""Feedback as STIX: notes in which the hub reports to one partner what became of its contributions."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, labels, marking
from schemas.feedback import Feedback, FeedbackEvent
from schemas.vocabulary import Tlp

_NOTHING: Mapping[str, str] = MappingProxyType({})
# Texts for people, in English and Thai.
_TEXTS = {
    FeedbackEvent.RELEASED: ("Released to those who act on it", "เผยแพร่ให้ผู้เกี่ยวข้องแล้ว"),
    FeedbackEvent.CORROBORATED: ("Reported by another partner too", "มีพันธมิตรรายอื่นรายงานด้วย"),
    FeedbackEvent.SIGHTED: ("Seen by another partner", "พันธมิตรรายอื่นพบเห็น"),
    FeedbackEvent.ACTED_ON: ("Another partner acted on it", "พันธมิตรรายอื่นดำเนินการแล้ว"),
    FeedbackEvent.DISPUTED: ("Another partner holds it for a false positive", "พันธมิตรรายอื่นเห็นว่าเป็นการแจ้งผิด"),
    FeedbackEvent.RETRACTED: ("Taken back everywhere", "ถอนออกจากทุกแห่งแล้ว"),
    FeedbackEvent.APPROVED: ("Looked at, and let pass", "ตรวจสอบแล้ว ให้ผ่าน"),
    FeedbackEvent.REFUSED: ("Looked at, and refused", "ตรวจสอบแล้ว ไม่ให้ผ่าน"),
    FeedbackEvent.UPHELD: ("Doubted, looked at, and upheld: it stays listed", "มีผู้โต้แย้ง ตรวจสอบแล้ว ยังคงอยู่ในรายการ"),
    FeedbackEvent.DELISTED: (
        "Doubted, looked at, and delisted: taken back everywhere",
        "มีผู้โต้แย้ง ตรวจสอบแล้ว ถอนออกจากรายการทุกแห่ง",
    ),
    FeedbackEvent.OVERRULED: (
        "Your doubt was looked at, and overruled: it stays listed",
        "ตรวจสอบข้อโต้แย้งของท่านแล้ว ยังคงอยู่ในรายการ",
    ),
    FeedbackEvent.QUALIFIED: ("The institution that keeps it answered", "สถาบันที่ดูแลบัญชีนี้ตอบกลับแล้ว"),
    FeedbackEvent.REQUESTED: ("Something is asked of you", "มีคำขอถึงท่าน"),
    FeedbackEvent.ANSWERED: ("An answer has come", "ได้รับคำตอบแล้ว"),
}


def to_stix(
    hub: str,
    partner: str,
    feedback: Feedback,
    refs: Sequence[str],
    at: str,
    references: Mapping[str, str] = _NOTHING,
) -> dict[str, Any]:
    """Return the note of ``hub`` to ``partner`` (identities) about its objects ``refs``.

    It names nobody: of another partner it holds the kind alone. ``references`` are the partner's own references of
    these objects, by their ids.
    """
    context = {name: str(word) for name, word in feedback._asdict().items() if word}
    english, thai = _TEXTS[feedback.event]
    own = {ref: references[ref] for ref in dict.fromkeys(refs) if ref in references}
    shown = {**context, **({"reference": own[refs[0]]} if len(refs) == 1 and own else {})}
    more = ", ".join(f"{name.replace('_', ' ')}: {word}" for name, word in shown.items() if name != "event")
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed({"type": "note", "to": partner, "at": at, "refs": list(refs), **context}),
        "created_by_ref": hub,
        "created": at,
        "modified": at,
        "abstract": english,
        "content": f"{english} / {thai}" + (f" ({more})" if more else ""),
        "object_refs": list(refs),
        "labels": labels.of({"feedback": feedback.event}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {
            extension.ID: extension.build(
                feedback={**context, "at": at, "count": len(refs), **({"references": own} if own else {})}
            )
        },
    }
