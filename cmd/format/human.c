#include "cmd/format/human.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

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
