/* Job: the one definition of the rendered opcode tables.
 * State: constants without pointers, so that a static-PIE needs no relocation for them. */
#include "core/decode_internal.h"

#include "generated/decode_data.h"
