// Where drafts come from: guesses of the next tokens of a sequence, cheap to make, which the model then verifies
// several at once. A wrong guess costs time and nothing else. Source: Leviathan et al. 2023, Chen et al. 2023
// (speculative decoding).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mang {

inline constexpr int kDraftKinds = 4;

// What could be drafted now. Drafts of one kind are about as often right as others of that kind: what was learnt about
// those is used for these.
struct DraftOffer {
  int64_t most = 0;    // tokens; 0: nothing comes to mind
  int kind = 0;        // 0 … kDraftKinds − 1
  double likely = 0;   // how often a token of this kind is right where nothing is known yet. 0 … 1
  double seconds = 0;  // that draft() will take to read what it has not read yet; about
};

struct DraftRequest {
  uint64_t sequence = 0;
  std::span<const int32_t> tokens;  // of the sequence so far
  int64_t count = 0;                // tokens wanted, at most what was offered
  std::vector<int32_t> ids;         // the draft, perhaps fewer
};

// The tokens of a sequence only ever grow from call to call.
class DraftSource {
 public:
  virtual ~DraftSource() = default;

  // seconds: that reading may take; what would take longer is not offered.
  virtual DraftOffer offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most, double seconds) = 0;
  // Fills ids of each request. Called after offer() for the same tokens. Returns the seconds that reading took.
  virtual double draft(std::span<DraftRequest> requests) = 0;
  // The sequence has ended.
  virtual void forget(uint64_t sequence) = 0;
};

}  // namespace mang
