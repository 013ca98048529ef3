/* clock: points in time as nanoseconds since 1970 (int64_t, 0 = never). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)

int64_t clock_now_ns(void);       /* wall clock */
int64_t clock_monotonic_ns(void); /* for durations */
/* RFC 3339, UTC, as Go's RFC3339Nano ("2026-01-02T15:04:05.123456789Z", trailing zeros of the
 * fraction dropped); 0 gives "0001-01-01T00:00:00Z". Owned. */
char *clock_rfc3339(int64_t ns);
/* The same with a fraction of exactly nine digits (log lines). */
char *clock_rfc3339_fixed(int64_t ns);
/* Parses RFC 3339 with optional fraction and zone ("Z", "+02:00"). */
bool clock_parse_rfc3339(const char *s, int64_t *ns);
/* Parses a Go duration: "1h2m3.5s", "300ms", "-1s", "0". */
bool clock_parse_duration(const char *s, int64_t *ns);

#endif
