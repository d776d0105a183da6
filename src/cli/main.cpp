#include "cli/app.h"

int main(int argc, char** argv) { return mang::cli::run_command_line(argc, argv); }
