"""Texts that spell a value: digits as words ("zero eight one", "double five"), signs as words, look-alike letters."""

import re
from itertools import filterfalse

from schemas.readings import without_accents
from schemas.refang import refang_text
from schemas.text import in_latin_letters

# The words for 0 to 9 of each language, in order; several words for one digit are divided by a stroke.
_WORDS = (
    "zero|oh|o|nought one two three four five six|sicks seven eight nine|niner",
    "ศูนย์ หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด เก้า",
    "soon|sun nueng|neung song sam si|see ha|haa hok chet|jet|jed paet|pad kao|gao",
    "零|〇|○|洞 一|壹|幺|么 二|贰|貳|两|兩 三|叁|參 四|肆 五|伍 六|陆|陸 七|柒 八|捌 九|玖",
    "ゼロ|れい|まる いち に さん よん|し ご ろく なな|しち はち きゅう|く",
    "영|공 일|하나 이|둘 삼|셋 사|넷 오|다섯 육|륙|여섯 칠|일곱 팔|여덟 구|아홉",
    "nol|kosong|sifar satu dua tiga empat lima enam tujuh lapan|delapan sembilan",
    "không|khong một|mot hai ba bốn|bon|tư năm|nam|lăm sáu|sau bảy|bay|bẩy tám|tam chín|chin",
    "sero isa dalawa tatlo apat lima anim pito walo siyam",
    "សូន្យ មួយ ពីរ បី បួន ប្រាំ ប្រាំមួយ ប្រាំពីរ|ប្រាំពិល ប្រាំបី ប្រាំបួន",
    "ສູນ ໜຶ່ງ|ຫນຶ່ງ|ນຶ່ງ ສອງ ສາມ ສີ່ ຫ້າ ຫົກ ເຈັດ ແປດ ເກົ້າ",
    "သုည တစ် နှစ် သုံး လေး ငါး ခြောက် ခုနစ်|ခုနှစ် ရှစ် ကိုး",
    "शून्य एक दो तीन चार पांच|पाँच छह|छः|छे सात आठ नौ",
    "শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয়",
    "cero uno|una dos tres cuatro cinco seis siete ocho nueve",
    "zero um|uma dois|duas três|tres quatro cinco seis|meia sete oito nove",
    "zéro un|une deux trois quatre cinq six sept huit neuf",
    "null eins|ein zwei|zwo drei vier fünf|fuenf sechs sieben acht neun",
    "ноль|нуль один|одна два|две три четыре пять шесть семь восемь девять",
    "صفر واحد اثنان|اثنين ثلاثة أربعة|اربعة خمسة ستة سبعة ثمانية تسعة",
)
_DIGIT_OF = {
    word: str(digit) for line in _WORDS for digit, words in enumerate(line.split()) for word in words.split("|")
}
_TIMES = {"double": 2, "twice": 2, "triple": 3, "treble": 3, "ดับเบิล": 2, "ดับเบิ้ล": 2, "ทริปเปิล": 3}
# A word of a script that writes blanks between words. Words of other scripts are found within a row of letters.
_BLANKED = re.compile("[a-z\u00c0-\u024f\u0400-\u04ff\u0600-\u06ff\u1e00-\u1eff]+")
_SPOKEN = frozenset(filter(_BLANKED.fullmatch, _DIGIT_OF))
_APART = str.maketrans(dict.fromkeys(filterfalse(str.isalnum, map(chr, range(0x21, 0x7F))), " "))
_WITHIN = re.compile("|".join(sorted(filterfalse(_BLANKED.fullmatch, _DIGIT_OF), key=len, reverse=True)))
# The characters of a number between its digits.
_BETWEEN = r"[\s.,:;/_|*~()+'-]{0,4}"
_REPEATED = re.compile(rf"({'|'.join(_TIMES)}){_BETWEEN}([0-9])")
_PLUS = re.compile(r"(?:plus|บวก)\s{0,3}(?=[0-9])")
# Fewer words for digits are no number.
_FEWEST = 3
# Found in each text in which words or brackets may stand for signs.
_DEFANGED = re.compile(r"[\[({<|【〔\\\])}>】〕]| (?:\.|dot |จุด |ดอท |ดอต )")
# A letter or digit with a mark of its own, as in 8⃣ and é.
_MARKED = re.compile("[0-9a-z][\u0300-\u036f\u20d0-\u20ff]|[\u00c0-\u024f\u1e00-\u1eff]")


def read_aloud(text: str) -> set[str]:
    """Return further readings of a text, in lower case: with signs, digits and Latin letters in place of words and
    look-alikes, and also without the marks on letters. Most texts have none.
    """
    read = in_latin_letters(text).lower()
    if _DEFANGED.search(read) is not None:
        read = refang_text(read)
    read = with_digits(read)
    readings = {read} if _MARKED.search(read) is None else {read, without_accents(read)}
    return readings - {text, text.lower()}


def with_digits(text: str) -> str:
    """Return a text in lower case with digits in place of the words for them, unchanged if it has few of these."""
    words = text.translate(_APART).split() if text.isascii() else _BLANKED.findall(text)
    if _SPOKEN.isdisjoint(words) and (text.isascii() or _WITHIN.search(text) is None):
        return text
    spoken = sum(word in _DIGIT_OF for word in _BLANKED.findall(text)) + len(_WITHIN.findall(text))
    is_repeated = any(word in text for word in _TIMES)
    if spoken < _FEWEST and not is_repeated:
        return text
    text = _BLANKED.sub(lambda word: _DIGIT_OF.get(word[0], word[0]), text)
    text = _WITHIN.sub(lambda word: _DIGIT_OF[word[0]], text)
    text = _REPEATED.sub(lambda found: _TIMES[found[1]] * found[2], text) if is_repeated else text
    return _PLUS.sub("+", text)
