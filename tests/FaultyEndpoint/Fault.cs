namespace Agora.Tests.Endpoints;

/// <summary>What can go wrong with one request at an endpoint.</summary>
public enum Fault
{
    /// <summary>429 with a Retry-After in seconds.</summary>
    TooManyRequests,
    /// <summary>429 whose Retry-After asks for a day: the server's clock or its operator is wrong.</summary>
    TooManyRequestsForADay,
    /// <summary>429 whose Retry-After is a date two seconds after the server's own clock, which is three hours ahead.</summary>
    TooManyRequestsByAWrongClock,
    /// <summary>429 whose Retry-After is a date two seconds after the server's own clock, which is five hours behind.</summary>
    TooManyRequestsByALateClock,
    /// <summary>500 with an HTML page.</summary>
    ServerError,
    /// <summary>502, 503 and 529 in turn.</summary>
    Overloaded,
    /// <summary>The connection is closed before any byte of the answer.</summary>
    ConnectionRefusedLate,
    /// <summary>The connection is closed in the middle of the body.</summary>
    CutInBody,
    /// <summary>The answer takes longer than the client waits.</summary>
    Silent,
    /// <summary>The answer comes byte by byte, one a second where nothing else is said.</summary>
    Trickle,
    /// <summary>200 with half a JSON object.</summary>
    MalformedJson,
    /// <summary>200 with a web page.</summary>
    HtmlBody,
    /// <summary>200 with <c>"choices": []</c>.</summary>
    EmptyChoices,
    /// <summary>A completion cut off at the token limit.</summary>
    FinishLength,
    /// <summary>A completion stopped by a content filter.</summary>
    FinishContentFilter,
    /// <summary>A refusal in the model's own words, where a protocol has a place for it.</summary>
    Refusal,
    /// <summary>A completion with a finish reason that no protocol knows, and, but for Anthropic's, without token counts: OpenAI's SDK reads nothing of it.</summary>
    OddFinishReason,
    /// <summary>A completion whose text is null.</summary>
    NullContent,
    /// <summary>400 with the code of a prompt that is too long.</summary>
    PromptTooLong,
    /// <summary>A valid completion without token counts.</summary>
    NoUsage,
    /// <summary>A valid completion without the log-probabilities that were asked for.</summary>
    NoLogProbabilities,
}
