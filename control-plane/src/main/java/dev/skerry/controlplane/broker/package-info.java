/** Requests to the outside on a sandbox's behalf: allowed by rule, to validated addresses, once for each key. */
@NullMarked
package dev.skerry.controlplane.broker;

import org.jspecify.annotations.NullMarked;
