/* shown: what comes from others, or holds secrets, as people may get to see it. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stddef.h>

/* What a terminal would obey becomes '?': control characters, also those above 0x7f (as UTF-8 and
 * alone), and what turns the direction of the text around. Those in `keep` stay. */
void shown_text(char *s, const char *keep);

/* The URL without user and password, query and fragment, cut to n bytes. Whoever has a signed
 * address whole may fetch what it names. Other text than a URL's stays. */
void shown_url(const char *url, char *out, size_t n);

/* The URL with "xxxxx:xxxxx" for its user and password, as Docker does; the text may
 * lack its scheme, as an address of a proxy may. Owned. */
char *shown_url_masked(const char *url);

#endif
