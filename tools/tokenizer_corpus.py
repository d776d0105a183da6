"""Texts to try tokenizers on: sentences of several languages, and generators of everything that goes wrong."""
import random
import unicodedata

SENTENCES = {
    "english": [
        "Bamboo grows fast because its shoots carry all their cells from the start and only stretch them.",
        "I'd've said it's 3.14159, but they'll tell you we're at $1,234,567.89 (or 42%).",
        "The quick brown fox jumps over the lazy dog; WHAT'S THE MATTER, HE'LL ASK.",
        "She wrote: \"Don't panic!\" -- and then, at 10:45 a.m., left for St. Mary's.",
    ],
    "vietnamese": [
        "Tre già măng mọc, người trước ngã xuống thì người sau đứng lên.",
        "Xin chào các bạn, hôm nay thời tiết ở Hà Nội đẹp quá, nhiệt độ khoảng 25°C.",
        "Trí tuệ nhân tạo giúp giáo viên soạn bài, chấm điểm và trả lời học sinh nhanh hơn.",
        "Ăn quả nhớ kẻ trồng cây; uống nước nhớ nguồn. Đất nước Việt Nam có 54 dân tộc anh em.",
    ],
    "chinese": [
        "竹子为什么长得这么快？因为它的细胞在笋里就已经准备好了。",
        "二〇二六年十一月，人工智能模型可以在普通电脑上运行，速度约为每秒30个词元。",
        "他说：“你好，世界！”然后离开了北京（3号航站楼）。繁體中文與简体中文。",
    ],
    "japanese": ["竹はなぜ速く伸びるのですか。カタカナとひらがな、漢字が混ざっています。ｶﾀｶﾅ１２３", "東京の気温は25度です。"],
    "korean": ["대나무는 왜 그렇게 빨리 자랄까요? 한국어 문장 2개를 씁니다.", "안녕하세요 세계! 각하"],
    "arabic": [
        "لماذا ينمو الخيزران بهذه السرعة؟ لأن خلاياه جاهزة منذ البداية.",
        "السَّلَامُ عَلَيْكُمْ، العدد ١٢٣٤٥٦ والتاريخ ٢٢/١١/٢٠٢٦.",
    ],
    "hindi": [
        "बाँस इतनी तेज़ी से क्यों बढ़ता है? क्योंकि उसकी कोशिकाएँ पहले से तैयार होती हैं।",
        "नमस्ते दुनिया! आज तापमान २५ डिग्री है और क्षेत्र में बारिश होगी।",
    ],
    "yoruba": [
        "Báwo ni? Ẹ kú àárọ̀, ọjọ́ náà dára púpọ̀. Ọmọ tí a kò kọ́ ni yóò gbé ilé tí a kọ́ tà.",
        "Ìwé yìí ṣàlàyé bí ọ̀pá oparun ṣe ń dàgbà kíákíá ní ilẹ̀ Yorùbá.",
    ],
    "russian": ["Бамбук растёт очень быстро: до 91 см в день! Ёлка, подъезд, «кавычки» и тире — всё здесь."],
    "greek": ["Το μπαμπού μεγαλώνει γρήγορα. ΑΘΗΝΑΣ ΣΊΣΥΦΟΣ ἀρχαῖα ἑλληνικά."],
    "thai": ["ไผ่โตเร็วมากเพราะเซลล์พร้อมตั้งแต่แรก สวัสดีชาวโลก ๑๒๓"],
    "german": ["Straße, Größe, GROẞE Übung: Fußgängerübergänge wachsen nicht so schnell wie Bambus."],
    "turkish": ["İstanbul'da ışık ve ılık çay; IĞDIR'lı öğrenci."],
}

CODE = [
    "def forward(self, x: Tensor) -> Tensor:\n    return self.down(F.silu(self.gate(x)) * self.up(x))  # SwiGLU\n",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i] * b[i];\r\n\t// don't\n}\n\n\n",
    "#include <vector>\nint main() { std::vector<int> v{1,2,3}; return v.size() != 3; }\n",
    "SELECT id, COUNT(*) FROM users WHERE name LIKE '%O''Brien%' GROUP BY 1 HAVING COUNT(*) >= 10;",
    "<div class=\"a-b_c\" onclick='f(\"x\")'>&nbsp;&#8212;</div><!-- comment -->",
    "{\"key\": [1, 2.5e-10, null, true], \"s\": \"\\u00e9\\n\"}",
    "$ curl -sSL https://example.org/a?b=c&d=%20 | tar xz --strip-components=1 && ./run.sh 2>&1",
    "fn main() -> Result<(), Box<dyn Error>> { let x: &'static str = r#\"raw\"#; println!(\"{x:?}\"); Ok(()) }",
    "\\begin{equation} \\sum_{i=1}^{n} \\frac{x_i^2}{\\sqrt{2\\pi}} \\end{equation}",
    "    if x == 0xDEADBEEF:\n        raise ValueError(f\"{x!r:>10}\")\n\n    else:\n        pass\n",
]

EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🇻🇳", "🇺🇸🇫🇷", "❤️", "🏳️‍🌈", "👨🏿‍🚀", "1️⃣", "☎️", "🧑‍💻", "©️", "™", "‼️", "🫠", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2009", "\u200b", "\u200d", "\u2028", "\x0b", "\x0c",
          "\x85", "\u1680", "\ufeff", "\x1c", "\r", "     "]
ODD = ["\u0301", "e\u0301", "\u0323\u0307", "ſ", "ẞ", "ß", "İ", "K", "ŉ", "ﬁ", "ﬆ", "Å", "\u0344", "가\u11a8", "\u1112\u1161\u11ab",
       "\ufffd", "\x00", "\x7f", "\x80", "\u2581", "▁▁", "Ġ", "Ċ", "<0x0A>", "<0xE4>", "𝔘𝔫𝔦", "\U000e0001", "\ue000", "\U0010ffff",
       "ǅ", "ʰ", "ⅷ", "Ⓐ", "²", "¼", "٣", "〇", "々", "\u0e33", "\u0f73", "क्षि", "'ſ", "'S", "'LL", "'Re", "’s", "½5", "１２３"]


def assigned_code_points():
    return [c for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF and unicodedata.category(chr(c)) not in ("Cn", "Co")]


class Generator:
    """Random texts of all categories; `tokens` are texts of a vocabulary, `added` its added tokens."""

    def __init__(self, seed, tokens=(), added=()):
        self.random = random.Random(seed)
        self.tokens = list(tokens)
        self.added = list(added)
        self.assigned = assigned_code_points()
        self.blocks = sorted({c >> 7 for c in self.assigned})
        self.sentences = [s for group in SENTENCES.values() for s in group]
        self.words = [w for s in self.sentences for w in s.split(" ")]

    def text(self):
        kinds = [self.unicode, self.block, self.sentence, self.language, self.code, self.emoji, self.run, self.look_alike,
                 self.spaces, self.numbers, self.mixture, self.vocabulary]
        return self.random.choice(kinds)()

    def unicode(self):
        r = self.random
        return "".join(chr(r.choice(self.assigned)) for _ in range(r.randint(1, 24)))

    def block(self):
        r = self.random
        base = r.choice(self.blocks) << 7
        out = [chr(base + r.randrange(128)) for _ in range(r.randint(1, 30))]
        return "".join(c for c in out if not 0xD800 <= ord(c) <= 0xDFFF and c != "\0") + r.choice(["", " ", "a", "1"])

    def sentence(self):
        r = self.random
        text = " ".join(r.choice(self.sentences) for _ in range(r.randint(1, 3)))
        begin = r.randrange(len(text))
        return self.form(text[begin:begin + r.randint(5, 200)])

    def language(self):
        r = self.random
        words = [w for s in SENTENCES[r.choice(list(SENTENCES))] for w in s.split(" ")]
        return self.form(" ".join(r.choice(words) for _ in range(r.randint(1, 20))))

    def form(self, text):
        r = self.random
        change = r.randrange(8)
        if change < 4:
            return unicodedata.normalize(("NFC", "NFD", "NFKC", "NFKD")[change], text)
        return text.upper() if change == 4 else text.title() if change == 5 else text

    def code(self):
        r = self.random
        text = "".join(r.choice(CODE) for _ in range(r.randint(1, 3)))
        begin = r.randrange(len(text))
        return text[begin:begin + r.randint(5, 250)]

    def emoji(self):
        r = self.random
        return "".join(r.choice(EMOJI) + r.choice(["", "", " ", "a", "\u200d", "\ufe0f"]) for _ in range(r.randint(1, 10)))

    def run(self):
        r = self.random
        what = r.choice(["a", " ", "\n", "=", "-", "▁", "1", "é", "ế", "中", "ก", "😀", "\u0301", "!?", "ab", " a", "A", "Aa", "\t",
                         "<", "'s", "\r\n", chr(r.choice(self.assigned))])
        return r.choice(["", "x", " "]) + what * int(2 ** r.uniform(0, 9)) + r.choice(["", "x", " ", "\n"])

    def look_alike(self):
        r = self.random
        out = []
        for _ in range(r.randint(1, 5)):
            token = r.choice(self.added) if self.added else "<|x|>"
            cut = r.randint(0, len(token))
            out.append(r.choice([token, token, token[:cut], token[cut:], token.upper(), " " + token, token + " ", token[::-1],
                                 r.choice(self.words), r.choice(SPACES), token[:cut] + " " + token[cut:]]))
        return "".join(out)

    def spaces(self):
        r = self.random
        return "".join(r.choice(SPACES) if r.random() < 0.6 else r.choice(self.words) for _ in range(r.randint(1, 14)))

    def numbers(self):
        r = self.random
        return "".join(r.choice(["0", "1", "42", "2026", ".", ",", "-", "+", " ", "%", "$", "٣", "१", "²", "Ⅷ", "½", "e", "x", "#", "/",
                                 "\n", "１"]) for _ in range(r.randint(1, 30)))

    def mixture(self):
        r = self.random
        pool = [ODD, EMOJI, SPACES, self.words, list("abcXYZ.,'-!?")]
        return "".join(r.choice(r.choice(pool)) for _ in range(r.randint(1, 16)))

    def vocabulary(self):
        r = self.random
        if not self.tokens:
            return self.mixture()
        return "".join(r.choice(self.tokens) for _ in range(r.randint(1, 10)))


def documents(count, seed=1):
    """Realistic documents of about 2,000 characters for timing: prose of all languages, and code."""
    r = random.Random(seed)
    english = SENTENCES["english"]
    prose = [s for group in SENTENCES.values() for s in group]
    vocabulary = [w for s in prose for w in s.split(" ")]
    out = []
    for i in range(count):
        parts = []
        while sum(map(len, parts)) < 2000:
            kind = i % 4
            if kind == 0:
                words = [w for s in english for w in s.split(" ")]
                parts.append(" ".join(r.choice(words) for _ in range(12)) + ". ")
            elif kind == 1:
                parts.append(r.choice(prose) + r.choice([" ", "\n"]))
            elif kind == 2:
                parts.append(r.choice(CODE))
            else:
                parts.append(" ".join(r.choice(vocabulary) for _ in range(12)) + "\n")
        out.append("".join(parts))
    return out
