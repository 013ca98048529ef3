/* In a file of its own: moss asks for the tag, and links nothing that verifies. */
#include "registry/sigstore.h"

#include <string.h>

char *sigstore_tag(const char *digest)
{
	char *tag = xasprintf("%s.sig", digest);
	char *colon = strchr(tag, ':');
	if (colon)
		*colon = '-';
	return tag;
}
