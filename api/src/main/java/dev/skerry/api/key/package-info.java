/** Who calls: API keys, the tenant behind each, and the sessions that tenant may see. */
@NullMarked
package dev.skerry.api.key;

import org.jspecify.annotations.NullMarked;
