// Files by @path: what is read, what stays a word, and what is refused.
#include "cli/attachments.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/html_text.h"
#include "support/temp_dir.h"

namespace mang::cli {
namespace {

using test::TempDir;
namespace fs = std::filesystem;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const Environment& environment(const std::string& home = "/nowhere") {
  static Environment current({});
  current = Environment({"PATH=/usr/bin:/bin", "HOME=" + home});
  return current;
}

TEST_CASE("files are put before the message, which stays as it was written") {
  TempDir dir;
  const std::string a = dir.write("a.txt", "một\n```\nhai\n"), b = dir.write("two words.txt",
                                                                             "\xEF\xBB\xBF"
                                                                             "ba");
  const auto attached = attach_files("Compare @" + a + ", and @\"" + b + "\" (@" + a + ")!", environment()).value();
  CHECK(attached.message == a + ":\n````\nmột\n```\nhai\n````\n\n" + b + ":\n```\nba\n```\n\nCompare @" + a +
                                ", and @\"" + b + "\" (@" + a + ")!");
  REQUIRE(attached.files.size() == 2);
  CHECK(attached.files[0].bytes == 14);
  CHECK(attached.missing.empty());
  CHECK(without_files(attached.message) == "Compare @" + a + ", and @\"" + b + "\" (@" + a + ")!");
  CHECK(without_files("no: files\n```\nhere\n```\n\n") == "no: files\n```\nhere\n```\n\n");
  CHECK(attach_files("@~/a.txt", environment(dir.path())).value().files.size() == 1);
}

TEST_CASE("a word that names no file stays a word") {
  for (const char* message : {"mail me@example.org", "@", "@ x", "@nobody said so", "a@b", "@\"\"", "@\"open",
                              "@@ -1 +1 @@", "@/usr", "@."}) {
    CAPTURE(message);
    const auto attached = attach_files(message, environment()).value();
    CHECK(attached.message == message);
    CHECK(attached.files.empty());
  }
  CHECK(attach_files("@not/there.txt", environment()).value().missing == std::vector<std::string>{"not/there.txt"});
  CHECK(attach_files("@\"no such\"", environment()).value().missing == std::vector<std::string>{"no such"});
}

TEST_CASE("what is no text, or no file, is refused at once") {
  TempDir dir;
  auto problem = [&](const std::string& path) {
    const auto attached = attach_files("look at @" + path, environment());
    REQUIRE(!attached.ok());
    CHECK(has(attached.error().message, path));
    return attached.error().message;
  };
  CHECK(has(problem(dir.write("x.bin", std::string("a\0b", 3))), "no text"));
  CHECK(has(problem(dir.write("latin1.txt", "caf\xE9")), "no text"));
  fs::create_symlink("/dev/zero", dir.file("zero"));
  CHECK(has(problem(dir.file("zero")), "device"));
  REQUIRE(::mkfifo(dir.file("fifo").c_str(), 0600) == 0);
  CHECK(has(problem(dir.file("fifo")), "pipe"));
  const std::string large = dir.write("large.txt", "");
  REQUIRE(::truncate(large.c_str(), 65 << 20) == 0);
  CHECK(has(problem(large), "68.2 MB"));
  CHECK(has(problem(dir.write("broken.pdf", "%PDF-1.4 and then nothing")), "damaged"));
}

// A PDF of one page that says `words`.
std::string pdf_of(const std::string& words) {
  const std::string stream = "BT /F1 24 Tf 72 700 Td (" + words + ") Tj ET";
  const std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
      "<< /Length " + std::to_string(stream.size()) + " >>\nstream\n" + stream + "\nendstream",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string out = "%PDF-1.4\n";
  std::string table = "xref\n0 6\n0000000000 65535 f \n";
  for (size_t i = 0; i < objects.size(); ++i) {
    char row[32];
    std::snprintf(row, sizeof row, "%010zu 00000 n \n", out.size());
    table += row;
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const size_t at = out.size();
  return out + table + "trailer << /Size 6 /Root 1 0 R >>\nstartxref\n" + std::to_string(at) + "\n%%EOF\n";
}

TEST_CASE("PDF files are read by pdftotext, whose package is named where it is missing") {
  TempDir dir;
  const std::string path = dir.write("a b.pdf", pdf_of("The shoots come up"));
  const auto missing = attach_files("@\"" + path + "\"", Environment({"PATH=" + dir.path()}));
  REQUIRE(!missing.ok());
  CHECK(has(missing.error().message, "poppler-utils"));
  if (!fs::exists("/usr/bin/pdftotext")) {
    MESSAGE("pdftotext is not installed here (package poppler-utils): only its absence was tried");
    return;
  }
  const auto attached = attach_files("@\"" + path + "\"", environment()).value();
  CHECK(has(attached.message, "The shoots come up"));
  const std::string empty = dir.write("empty.pdf", pdf_of(""));
  CHECK(has(attach_files("@" + empty, environment()).error().message, "no text"));
}

TEST_CASE("the text of an HTML page") {
  CHECK(html_text("<!doctype html><title>Tre</title><script>x()</script><style>p{}</style>"
                  "<h2>Why   it\n grows</h2><p>One <b>bold</b> word.<br>Next<p hidden>no</p>"
                  "<ul><li>a<li>b &amp; c</ul><pre>  kept\n   so</pre>"
                  "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table><img alt=\"măng\">") ==
        "Tre\n\n## Why it grows\n\nOne bold word.\nNext\n\n- a\n- b & c\n\n  kept\n   so\n\nx | y\n1 | 2\n\nmăng\n");
  CHECK(html_text("") == "\n");
  CHECK(html_text("plain") == "plain\n");
  CHECK(html_text("<meta charset=\"iso-8859-1\"><p>caf\xE9") == "café\n");
  CHECK(html_text("<p>caf\xE9") == "caf\xEF\xBF\xBD\n");
}

}  // namespace
}  // namespace mang::cli
