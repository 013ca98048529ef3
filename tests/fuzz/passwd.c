/* The text of an image's /etc/passwd and /etc/group. */
#include "engine/user.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct user_entry entry;
	for (int which = 0; which < 2; which++) {
		char *text = malloc(size + 1), *at = text;
		if (size)
			memcpy(text, data, size);
		text[size] = '\0';
		while (which ? user_next_group(&at, &entry) : user_next_passwd(&at, &entry))
			if (!entry.name[0] || (entry.home && !entry.home[0]))
				abort();
		free(text);
	}
	return 0;
}
