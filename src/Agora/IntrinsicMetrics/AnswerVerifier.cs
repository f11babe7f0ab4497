using System.Collections.Immutable;
using System.Globalization;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>Derives the answers of math instances anew: a solver writes several solutions, and what more than half of them arrive at is held against the instance's answer.</summary>
/// <remarks>Self-consistency (Wang et al., arXiv:2203.11171). It tells what a solver confirms, which is the truth only as far as the solver knows it.</remarks>
/// <param name="solver">Usually a <see cref="JournaledChatClient"/>. The caller disposes it.</param>
/// <param name="parallel">Instances at once.</param>
public sealed class AnswerVerifier(IChatClient solver, VerificationSpec spec, int parallel, RandomStreams random)
{
    /// <summary>What a solution may take at most; a longer one gives no answer.</summary>
    internal const int MostTokens = 2048;

    private const string Asking = "Solve this step by step. End with the final answer alone between tags: [RESULT] answer [/RESULT]";

    /// <summary>One verdict per instance, in their order.</summary>
    public async Task<ImmutableArray<AnswerVerdict>> VerifyAsync(IReadOnlyList<MeasuredInstance> instances, CancellationToken cancellationToken)
    {
        var verdicts = new AnswerVerdict[instances.Count];
        await Parallel.ForAsync(0, instances.Count, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (place, stop) =>
            verdicts[place] = await VerifyAsync(instances[place], stop));
        return [.. verdicts];
    }

    private async Task<AnswerVerdict> VerifyAsync(MeasuredInstance instance, CancellationToken cancellationToken)
    {
        if (AnswerOf(instance.Response) is not { } stated)
            return AnswerVerdict.None("the response states no answer");
        string?[] answers;
        try
        {
            answers = await Task.WhenAll(Enumerable.Range(0, spec.Samples).Select(sample => SolveAsync(instance.Instruction, sample, cancellationToken)));
        }
        catch (PromptRefusedException refusal)
        {
            return AnswerVerdict.None(refusal.Message);
        }
        var agreeing = answers.Count(answer => answer is not null && MathEquivalence.AreEquivalent(stated, answer));
        var share = (double)agreeing / spec.Samples;
        if (2 * agreeing > spec.Samples)
            return new AnswerVerdict(true, share, null);
        // Equivalence is no exact relation between written answers: each is counted with all that agree with it.
        var most = answers.OfType<string>().Select(answer => answers.Count(other => other is not null && MathEquivalence.AreEquivalent(answer, other))).DefaultIfEmpty().Max();
        return 2 * most > spec.Samples
            ? new AnswerVerdict(false, share, null)
            : new AnswerVerdict(null, share, string.Create(CultureInfo.InvariantCulture, $"no answer has a majority of {spec.Samples} solutions"));
    }

    // The seed depends on the sample alone, so that an instance is asked the same in any part of the data set.
    private async Task<string?> SolveAsync(string instruction, int sample, CancellationToken cancellationToken)
    {
        var options = new ChatOptions { Temperature = (float)spec.Temperature, MaxOutputTokens = MostTokens, Seed = random.For("verification", sample).NextSeed() };
        var response = await solver.GetResponseAsync([new ChatMessage(ChatRole.User, $"{instruction}\n\n{Asking}")], options, cancellationToken);
        return response.FinishReason == ChatFinishReason.Length ? null : AnswerOf(response.Text);
    }

    // A text that marks no answer is one as a whole only where there is something to compute with: "I do not know." is none.
    private static string? AnswerOf(string text) => MathAnswer.Extract(text, AnswerPolicy.Expression) is { } answer
        && (answer.Mark != AnswerMark.WholeText || answer.Text.AsSpan().ContainsAnyInRange('0', '9')) ? answer.Text : null;
}

/// <param name="Confirmed">Whether more than half of the solutions arrive at the instance's answer; false where they arrive at another one; null where neither is so.</param>
/// <param name="Agreement">Share of the solutions that arrive at the instance's answer; null where it states none.</param>
/// <param name="Why">Why there is no verdict.</param>
public sealed record AnswerVerdict(bool? Confirmed, double? Agreement, string? Why)
{
    internal static AnswerVerdict None(string why) => new(null, null, why);
}
