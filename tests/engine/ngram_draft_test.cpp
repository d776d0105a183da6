// Drafts by looking up, against a plain search of all places.
#include "engine/ngram_draft.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace mang {
namespace {

// The latest of the longest matches, by comparing every place.
NgramIndex::Match plain_search(const std::vector<int32_t>& tokens) {
  NgramIndex::Match best;
  const auto last = static_cast<int64_t>(tokens.size()) - 1;
  for (int64_t place = last - 1; place >= 1; --place) {
    int64_t length = 0;
    while (length <= place && length < NgramIndex::kLongest && tokens[place - length] == tokens[last - length])
      ++length;
    if (length >= NgramIndex::kShortest && length > best.length) best = {place + 1, length};
  }
  return best;
}

std::vector<int32_t> drafted(NgramDraft& source, const std::vector<int32_t>& tokens, int64_t count) {
  const DraftOffer offer = source.offer(1, tokens, count, 0);
  if (offer.most == 0) return {};
  std::vector<DraftRequest> requests = {{1, tokens, offer.most, {}}};
  source.draft(requests);
  return requests[0].ids;
}

TEST_CASE("the longest match is found, of equally long ones the latest") {
  std::mt19937 random(5);
  int found = 0;
  for (int round = 0; round < 40; ++round) {
    NgramIndex index;
    std::vector<int32_t> tokens;
    const uint32_t letters = 8 + random() % 20;  // few enough for matches, so many that few places share a pair
    for (int i = 0; i < 300; ++i) {
      if (tokens.size() > 20 && random() % 8 == 0) {  // something said before
        const size_t from = random() % (tokens.size() - 10);
        for (size_t j = 0; j < 1 + random() % 9; ++j) tokens.push_back(tokens[from + j]);
      } else {
        tokens.push_back(static_cast<int32_t>(random() % letters));
      }
      if (random() % 3 == 0) continue;  // several new tokens at once
      const NgramIndex::Match got = index.find(tokens);
      const NgramIndex::Match want = plain_search(tokens);
      REQUIRE(got.length == want.length);
      REQUIRE(got.next == want.next);
      found += want.length > 0 ? 1 : 0;
    }
  }
  CHECK(found > 1000);
}

TEST_CASE("what followed before is drafted, also where it runs into its own copy") {
  NgramDraft source;
  CHECK(drafted(source, {}, 4).empty());
  CHECK(drafted(source, {1}, 4).empty());
  CHECK(drafted(source, {1, 2}, 4).empty());
  source.forget(1);
  CHECK(drafted(source, {5, 6, 7, 8, 9, 5, 6}, 3) == std::vector<int32_t>{7, 8, 9});
  source.forget(1);
  CHECK(drafted(source, {5, 6, 7, 5, 6}, 5) == std::vector<int32_t>{7, 5, 6, 7, 5});
  source.forget(1);
  CHECK(drafted(source, {4, 4, 4}, 3) == std::vector<int32_t>{4, 4, 4});
  source.forget(1);
  CHECK(drafted(source, {1, 2, 3, 4, 5, 6}, 3).empty());
}

TEST_CASE("longer matches are told apart from short ones, and expected to be right more often") {
  NgramDraft source;
  int kind = -1;
  double likely = 0;
  for (const int length : {2, 3, 4, 6}) {
    std::vector<int32_t> tokens;
    for (int i = 0; i < length; ++i) tokens.push_back(10 + i);
    tokens.push_back(99);
    for (int i = 0; i < length; ++i) tokens.push_back(10 + i);
    const DraftOffer offer = source.offer(static_cast<uint64_t>(length), tokens, 4, 0);
    CHECK(offer.most == 4);
    CHECK(offer.kind > kind);
    CHECK(offer.likely > likely);
    kind = offer.kind;
    likely = offer.likely;
  }
}

TEST_CASE("a long prompt is indexed part by part, and found whole in the end") {
  NgramIndex index;
  std::vector<int32_t> tokens;
  const int64_t length = NgramIndex::kIndexedAtOnce * 3 + 100;
  for (int64_t i = 0; i < length; ++i) tokens.push_back(static_cast<int32_t>(i));
  const auto repeats_from = static_cast<int32_t>(length - 50);  // indexed last
  for (int32_t i = 0; i < 5; ++i) tokens.push_back(repeats_from + i);
  for (int i = 0; i < 3; ++i) CHECK(index.find(tokens).length == 0);
  const NgramIndex::Match match = index.find(tokens);
  CHECK(match.length == 5);
  CHECK(match.next == repeats_from + 5);
}

}  // namespace
}  // namespace mang
