/** Sessions: creation, listing, steering, end. */
@NullMarked
package dev.skerry.api.session;

import org.jspecify.annotations.NullMarked;
