/** How every Skerry process reaches Temporal: address, namespace, payload form, search attributes. */
@NullMarked
package dev.skerry.temporal;

import org.jspecify.annotations.NullMarked;
