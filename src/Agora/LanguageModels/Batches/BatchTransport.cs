using System.Net;
using System.Net.Http.Headers;

namespace Agora.LanguageModels.Batches;

/// <summary>Stands where the network stands under a provider's SDK: a request goes into a batch, and its result comes back as the endpoint's answer.</summary>
/// <remarks>So bodies are written and answers read by the very code that does it online, and a request's mode cannot change what is asked or how it is understood.</remarks>
internal sealed class BatchTransport(BatchQueue queue) : HttpMessageHandler
{
    private static readonly AsyncLocal<BatchItem?> Current = new();

    /// <summary>The request that the caller's next call to the SDK sends.</summary>
    public static void Send(BatchItem item) => Current.Value = item;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var item = Current.Value ?? throw new InvalidOperationException("a request came to a batch by another way than a batched client");
        if (!item.IsReattached)
        {
            item.Body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            queue.Add(item);
        }
        BatchAnswer answer;
        try
        {
            answer = await item.Answer.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            item.Abandon();
            throw;
        }
        return answer switch
        {
            BatchAnswer.Answered(var status, var body) => new HttpResponseMessage((HttpStatusCode)status)
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
                RequestMessage = request,
            },
            BatchAnswer.Unanswered(var why) => throw new TransientEndpointException("the batch ended without an answer to the request", why),
            _ => throw new SentAloneException(),
        };
    }
}

/// <summary>Too few requests wait together for a batch.</summary>
internal sealed class SentAloneException : Exception;
