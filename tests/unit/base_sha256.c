/* SHA-256 against the examples of FIPS 180-4 and lengths around a block's end. */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/sha256.h"

static void digests(void **state)
{
	(void)state;
	static const struct {
		const char *fill;
		size_t n;
		const char *hex;
	} cases[] = {
		{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
		{"a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
		{"a", 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
		{"a", 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1000], hex[65];
		size_t len = strlen(cases[i].fill);
		for (size_t k = 0; k < cases[i].n; k++)
			text[k] = cases[i].fill[k % len];
		sha256_hex(text, cases[i].n, hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(digests)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
