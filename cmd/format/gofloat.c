#include "cmd/format/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The least number of digits behind the first that read back as f. */
static int shortest_digits(double f)
{
	char text[40];
	for (int digits = 0; digits < 17; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, f);
		if (strtod(text, NULL) == f)
			return digits;
	}
	return 17;
}

static void exponent_form(struct buf *out, double f, char verb, int precision)
{
	char text[400];
	snprintf(text, sizeof(text), verb == 'E' || verb == 'G' ? "%.*E" : "%.*e", precision, f);
	buf_puts(out, text);
}

void go_float_text(struct buf *out, double f, char verb, int precision)
{
	char text[1400];
	if (isnan(f) || isinf(f)) {
		buf_puts(out, isnan(f) ? "NaN" : f > 0 ? "+Inf" : "-Inf");
		return;
	}
	int digits = shortest_digits(f);
	if (precision > 1000)
		precision = 1000;
	if (verb == 'e' || verb == 'E') {
		exponent_form(out, f, verb, precision < 0 ? digits : precision);
		return;
	}
	int exponent = f == 0 ? 0 : (int)floor(log10(fabs(f)));
	snprintf(text, sizeof(text), "%.*e", digits, f);
	const char *e = strchr(text, 'e');
	if (e)
		exponent = atoi(e + 1);
	if (verb == 'f' || verb == 'F') {
		int behind = digits - exponent > 0 ? digits - exponent : 0;
		snprintf(text, sizeof(text), "%.*f", precision < 0 ? behind : precision, f);
		buf_puts(out, text);
		return;
	}
	/* %g: the exponent form below 1e-4, and from 1e6 or the precision on. */
	int wanted = precision < 0 ? digits + 1 : precision ? precision : 1;
	int limit = 6;
	if (precision >= 0) {
		snprintf(text, sizeof(text), verb == 'G' ? "%.*G" : "%.*g", wanted, f);
		buf_puts(out, text);
	} else if (exponent < -4 || exponent >= limit) {
		exponent_form(out, f, verb, digits);
	} else {
		int behind = digits - exponent > 0 ? digits - exponent : 0;
		snprintf(text, sizeof(text), "%.*f", behind, f);
		buf_puts(out, text);
	}
}
