#include "tests/unit/unit.h"
#include "base/account.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

static void the_own_entry_is_found(void **state)
{
	(void)state;
	struct account a;
	const struct passwd *pw = getpwuid(getuid());
	assert_int_equal(account_find(getuid(), &a), pw != NULL);
	if (pw) {
		assert_string_equal(a.name, pw->pw_name);
		assert_string_equal(a.home, pw->pw_dir);
	}
	account_deinit(&a);
	assert_null(a.name);
}

static void root_is_not_mistaken(void **state)
{
	(void)state;
	struct account a;
	assert_true(account_find(0, &a));
	assert_string_equal(a.name, "root");
	account_deinit(&a);
}

static void nobody_has_this_number(void **state)
{
	(void)state;
	struct account a;
	assert_false(account_find(3999999999u, &a));
	assert_null(a.name);
	assert_null(a.home);
	account_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_entry_is_found),
		cmocka_unit_test(root_is_not_mistaken),
		cmocka_unit_test(nobody_has_this_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
