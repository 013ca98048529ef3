/* volume_row: a volume as the fields that volume ls and system df show. */
#ifndef CMD_VOLUME_ROW_H
#define CMD_VOLUME_ROW_H

#include <jansson.h>

struct volume;

/* New reference. Links and Size are only known to system df, here they are "N/A". */
json_t *volume_row(const struct volume *v);

#endif
