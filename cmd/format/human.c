#include "cmd/format/human.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/utf8.h"

char *human_duration(int64_t ns)
{
	int64_t seconds = ns / NS_PER_S;
	int64_t minutes = ns / (60 * NS_PER_S);
	int64_t hours = (ns + 1800 * NS_PER_S) / (3600 * NS_PER_S);
	if (seconds < 1)
		return xstrdup("Less than a second");
	if (seconds == 1)
		return xstrdup("1 second");
	if (seconds < 60)
		return xasprintf("%lld seconds", (long long)seconds);
	if (minutes == 1)
		return xstrdup("About a minute");
	if (minutes < 60)
		return xasprintf("%lld minutes", (long long)minutes);
	if (hours == 1)
		return xstrdup("About an hour");
	if (hours < 48)
		return xasprintf("%lld hours", (long long)hours);
	if (hours < 24 * 7 * 2)
		return xasprintf("%lld days", (long long)(hours / 24));
	if (hours < 24 * 30 * 2)
		return xasprintf("%lld weeks", (long long)(hours / 24 / 7));
	if (hours < 24 * 365 * 2)
		return xasprintf("%lld months", (long long)(hours / 24 / 30));
	return xasprintf("%lld years", (long long)(ns / (3600 * NS_PER_S) / 24 / 365));
}

static char *with_unit(int64_t bytes, double base, int precision, const char *const *units)
{
	double size = (double)bytes;
	int i = 0;
	while (size >= base && i < 8) {
		size /= base;
		i++;
	}
	return xasprintf("%.*g%s", precision, size, units[i]);
}

static const char *const decimal_units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
static const char *const binary_units[] = {
	"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};

char *human_size(int64_t bytes) { return with_unit(bytes, 1000.0, 3, decimal_units); }

char *human_size4(int64_t bytes) { return with_unit(bytes, 1000.0, 4, decimal_units); }

char *human_bytes_binary(int64_t bytes) { return with_unit(bytes, 1024.0, 4, binary_units); }

/* Characters of two columns: East Asian Wide and Fullwidth (Unicode Standard Annex 11). */
static bool is_wide(uint32_t c)
{
	static const uint32_t ranges[][2] = {{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a},
		{0x23e9, 0x23ec}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653},
		{0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x2705, 0x2705},
		{0x270a, 0x270b}, {0x2728, 0x2728}, {0x274c, 0x274c}, {0x2753, 0x2755},
		{0x2795, 0x2797}, {0x2b1b, 0x2b1c}, {0x2e80, 0x303e}, {0x3041, 0x33ff},
		{0x3400, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3},
		{0xf900, 0xfaff}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6b}, {0xff01, 0xff60},
		{0xffe0, 0xffe6}, {0x16fe0, 0x18cff}, {0x1b000, 0x1b2fb}, {0x1f300, 0x1f64f},
		{0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd}};
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

char *human_ellipsis(const char *s, size_t width)
{
	size_t n = strlen(s), columns = 0, step, kept = 0;
	for (size_t at = 0; at < n; at += step) {
		columns += is_wide(utf8_decode(s + at, n - at, &step)) ? 2 : 1;
		if (columns < width)
			kept = at + step;
	}
	return columns <= width ? xstrdup(s) : xasprintf("%.*s…", (int)kept, s);
}
