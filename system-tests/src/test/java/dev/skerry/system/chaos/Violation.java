package dev.skerry.system.chaos;

/**
 * Something that must never be, and was.
 *
 * @param invariant which it breaks
 * @param what names who and how
 */
record Violation(String invariant, String what) {}
