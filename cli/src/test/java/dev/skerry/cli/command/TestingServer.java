package dev.skerry.cli.command;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.history.v1.History;
import io.temporal.api.workflow.v1.WorkflowExecutionInfo;
import io.temporal.api.workflowservice.v1.GetSystemInfoRequest;
import io.temporal.api.workflowservice.v1.GetSystemInfoResponse;
import io.temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest;
import io.temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryResponse;
import io.temporal.api.workflowservice.v1.ListWorkflowExecutionsRequest;
import io.temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse;
import io.temporal.api.workflowservice.v1.WorkflowServiceGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** A Temporal on which so many workflows run, page by page, all with the same history. */
final class TestingServer extends WorkflowServiceGrpc.WorkflowServiceImplBase implements AutoCloseable {
    private static final int PAGE = 200;

    private final int workflows;
    private final History history;
    private final Server server;

    TestingServer(int workflows, History history) throws IOException {
        this.workflows = workflows;
        this.history = history;
        this.server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(this)
                .build()
                .start();
    }

    String target() {
        return "127.0.0.1:" + server.getPort();
    }

    @Override
    public void getSystemInfo(GetSystemInfoRequest request, StreamObserver<GetSystemInfoResponse> answer) {
        answer.onNext(GetSystemInfoResponse.getDefaultInstance());
        answer.onCompleted();
    }

    @Override
    public void listWorkflowExecutions(
            ListWorkflowExecutionsRequest request, StreamObserver<ListWorkflowExecutionsResponse> answer) {
        ByteString token = request.getNextPageToken();
        int first = token.isEmpty() ? 0 : Integer.parseInt(token.toStringUtf8());
        int end = Math.min(first + PAGE, workflows);
        ListWorkflowExecutionsResponse.Builder page = ListWorkflowExecutionsResponse.newBuilder();
        for (int i = first; i < end; i++) {
            page.addExecutions(WorkflowExecutionInfo.newBuilder()
                    .setExecution(WorkflowExecution.newBuilder()
                            .setWorkflowId("ses_" + i)
                            .setRunId("run_" + i)));
        }
        if (end < workflows) {
            page.setNextPageToken(ByteString.copyFromUtf8(String.valueOf(end)));
        }
        answer.onNext(page.build());
        answer.onCompleted();
    }

    @Override
    public void getWorkflowExecutionHistory(
            GetWorkflowExecutionHistoryRequest request, StreamObserver<GetWorkflowExecutionHistoryResponse> answer) {
        answer.onNext(GetWorkflowExecutionHistoryResponse.newBuilder()
                .setHistory(history)
                .build());
        answer.onCompleted();
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
