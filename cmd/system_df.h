/* system_df: the fields of its tables, and the Go type that its template sees with --verbose. */
#ifndef CMD_SYSTEM_DF_H
#define CMD_SYSTEM_DF_H

#include "cmd/format/gotype.h"
#include "cmd/format/listing.h"

extern const struct listing_column system_df_images[], system_df_containers[], system_df_volumes[],
	system_df_cache[];
extern const struct gotype system_df_type;

#endif
