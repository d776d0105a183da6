// Unicode normalization forms (UAX #15) with the character data of Hugging Face's tokenizers.
#pragma once

#include <string>
#include <string_view>

namespace mang {

enum class NormalizationForm { kNfc, kNfd, kNfkc, kNfkd };

// The normalized text; bytes that are not UTF-8 pass through. Linear time but for sorting runs of marks.
std::string normalize_unicode(std::string_view text, NormalizationForm form);

// How far the beginning of the text reaches in its normalized form: of the characters that become of the text's first
// `origin` bytes, the bytes, as Hugging Face's alignments count them. (Metaspace asks whether a word begins where the
// text does.)
size_t normalized_origin(std::string_view text, size_t origin, NormalizationForm form);

// True: the text is in NFC for certain. Looks at each character once.
bool is_nfc_quick(std::string_view text);

// Calls f(c) for each character that can change in NFC or join the one before it (for the tables of text/unicode).
template <typename F>
void for_each_nfc_unstable(F&& f);

namespace normalize_detail {
void visit_nfc_unstable(void (*visit)(void*, char32_t), void* context);
}
template <typename F>
void for_each_nfc_unstable(F&& f) {
  normalize_detail::visit_nfc_unstable([](void* context, char32_t c) { (*static_cast<F*>(context))(c); }, &f);
}

}  // namespace mang
