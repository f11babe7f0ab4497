using System.Collections.Immutable;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>One sending of a request that brought no answer.</summary>
/// <param name="Reason">An <see cref="EndpointFault"/>'s name, or <see cref="Interrupted"/>.</param>
/// <param name="MostInputTokens">What it may be charged for at most; 0 where the endpoint computed nothing.</param>
public sealed record FailedAttempt(string Reason, long MostInputTokens, long MostOutputTokens)
{
    /// <summary>The run was stopped while the request was under way.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>An answer came, without token counts: it is charged, and nobody knows how much.</summary>
    public const string Uncounted = "uncounted";

    private const string PropertyName = "failed_attempts";

    public static FailedAttempt Of(EndpointFault fault, RequestSize size) =>
        fault.MayBeCharged() ? new FailedAttempt(fault.Name(), size.MostInputTokens, size.MaxOutputTokens) : new FailedAttempt(fault.Name(), 0, 0);

    /// <returns>The attempts that failed before this answer came; mostly none.</returns>
    public static ImmutableArray<FailedAttempt> Before(ChatResponse response) =>
        response.AdditionalProperties?.TryGetValue(PropertyName, out var value) == true && value is ImmutableArray<FailedAttempt> failed ? failed : [];

    /// <returns>The attempts that failed before these vectors came; mostly none.</returns>
    public static ImmutableArray<FailedAttempt> Before(GeneratedEmbeddings<Embedding<float>> made) =>
        made.AdditionalProperties?.TryGetValue(PropertyName, out var value) == true && value is ImmutableArray<FailedAttempt> failed ? failed : [];

    /// <returns>The attempts behind a request that was given up.</returns>
    public static ImmutableArray<FailedAttempt> Before(Exception fault) => fault.Data[PropertyName] is ImmutableArray<FailedAttempt> failed ? failed : [];

    internal static void Note(ChatResponse response, IReadOnlyList<FailedAttempt> failed) => (response.AdditionalProperties ??= [])[PropertyName] = failed.ToImmutableArray();

    internal static void Note(Exception fault, IReadOnlyList<FailedAttempt> failed) => fault.Data[PropertyName] = failed.ToImmutableArray();
}
