package dev.skerry.controlplane.problem;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Tells refusals of some calls in a form of their own, because who makes them reads no problem+json. */
public interface RefusalForm {
    boolean suits(HttpServletRequest request);

    /** Does nothing to a response that has begun. */
    void write(HttpServletRequest request, HttpServletResponse response, Refusal refusal) throws IOException;
}
