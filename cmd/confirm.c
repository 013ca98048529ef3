#include "cmd/confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "base/str.h"

bool confirm_removal(const char *what)
{
	auto_free char *text = xasprintf("WARNING! This will remove %s.\n", what);
	return confirm_text(text);
}

bool confirm_text(const char *text)
{
	char answer[16] = "";
	printf("%sAre you sure you want to continue? [y/N] ", text);
	(void)fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0;
}
