/** What every request passes first: which listener it came by, its id, its size. */
@NullMarked
package dev.skerry.controlplane.http;

import org.jspecify.annotations.NullMarked;
