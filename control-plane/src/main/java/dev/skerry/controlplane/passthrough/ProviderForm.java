package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.problem.Problem;
import dev.skerry.controlplane.problem.ProblemWriter;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusalForm;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Tells whatever is refused below the providers' paths as those providers tell errors. */
@Component
class ProviderForm implements RefusalForm {
    private static final Pattern PATH = Pattern.compile("/sandbox/v1/llm/(openai|anthropic)/.*");

    private final ProblemWriter problems;
    private final JsonMapper json;

    ProviderForm(ProblemWriter problems, JsonMapper json) {
        this.problems = problems;
        this.json = json;
    }

    @Override
    public boolean suits(HttpServletRequest request) {
        return PATH.matcher(request.getRequestURI()).matches();
    }

    @Override
    public void write(HttpServletRequest request, HttpServletResponse response, Refusal refusal) throws IOException {
        Problem problem = problems.problem(refusal);
        new ProviderError(problem.status(), problem.code(), null, problem.detail(), problem.retryAfterSeconds())
                .write(PassThroughController.dialect(request), json, response);
    }
}
