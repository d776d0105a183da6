// What is said when memory runs out, wherever that happens.
#pragma once

namespace mang::cli {

// Without asking for memory: there is none.
void say_out_of_memory() noexcept;

// From now on the program ends with that sentence and exit code 1 also where no exception can pass: in a thread, or in
// libraries that promise to throw nothing (directory iterators of libstdc++, destructors of nlohmann::json) and ask for
// memory all the same. What it writes to the disk stands being cut off at any moment.
void end_clearly_without_memory();

}  // namespace mang::cli
