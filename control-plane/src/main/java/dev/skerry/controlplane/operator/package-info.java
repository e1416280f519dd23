/** What operators do on the internal listener with a token of their own: credentials, kill switches, the audit log. */
@NullMarked
package dev.skerry.controlplane.operator;

import org.jspecify.annotations.NullMarked;
