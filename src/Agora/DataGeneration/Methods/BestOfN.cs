using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator answers the seed's instruction several times, and the favourite of a judge or of a reward model becomes the instance (best-of-n, or rejection sampling).</summary>
/// <remarks>
/// Candidates differ by their sampling seeds alone. The judge scores one after the other from 1 to 10 with the text <c>scoring/DOMAIN.txt</c>; of equal scores the first candidate wins. A
/// candidate that cannot be read, or whose score cannot, is out of the running. A reward model gives each candidate a number of its own scale; one that is no number is none.
/// </remarks>
internal sealed partial class BestOfN : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.BestOfN;
    public bool NeedsSeedResponses => false;
    public bool OneSeedPerPlace => true;
    public bool WritesInstructions => false;
    public bool RepeatsPrompt => true;
    public GenerationMethod TemplateOf => GenerationMethod.ResponseGeneration;
    public TemplateRule Template { get; } = new(["<input>"]);

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Response(variant, json);

    public MethodRequests RequestsPerTry(GenerationSpec spec) => new(Candidates(spec), spec.BestOf?.Reward is null ? Candidates(spec) : 0);

    public PromptDraft Ask(PromptSources sources) => new(new PromptContent { Instruction = sources.Seed!.Instruction }, [], sources.Seed.Id);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions)
    {
        var (prompt, wanted) = (sources.MetaPrompt, Candidates(sources.Spec));
        if (completions.Count < wanted)
            return new CompletionReading.AskNext(new MethodRequest(string.Create(CultureInfo.InvariantCulture, $"sampling {completions.Count + 1}"), prompt.Render(draft.Content)));

        var candidates = completions.Take(wanted).Select(completion => prompt.Completion.Read(completion, given: draft.Content.Instruction)).ToArray();
        CompletionReading.Pair[] readable = [.. candidates.OfType<CompletionReading.Pair>()];
        if (readable.Length == 0) return candidates[0];
        var scored = completions.Count - wanted;
        if (scored < readable.Length)
        {
            var use = string.Create(CultureInfo.InvariantCulture, $"score {scored + 1}");
            return new CompletionReading.AskNext(sources.Spec.BestOf!.Reward is not null
                ? new MethodRequest(use, "") { Rated = readable[scored].Value }
                : new MethodRequest(use, prompt.RenderScoring(readable[scored].Value)) { SystemMessage = "", ToJudge = true });
        }

        var best = readable.Zip(completions.Skip(wanted)).Select(pair => (pair.First, Score: sources.Spec.BestOf!.Reward is null ? Score(pair.Second) : Reward(pair.Second))).Where(pair => pair.Score is not null).ToImmutableArray();
        return best.IsEmpty
            ? new CompletionReading.Unreadable(RejectReason.ScoreMissing, $"no candidate has a score: \"{completions[wanted]}\"")
            : best.MaxBy(pair => pair.Score).First;
    }

    private static double? Reward(string written) => double.Parse(written, CultureInfo.InvariantCulture) is var reward && double.IsFinite(reward) ? reward : null;

    private static int Candidates(GenerationSpec spec) => spec.BestOf?.Candidates
        ?? throw new AgoraException("best_of_n needs somebody who scores its candidates", "generation.bestOf", "add generation.bestOf with judge or reward, a name in models") { ExitCode = 2 };

    // The last score that is named: a judge that reasons first may mention others on its way.
    private static double? Score(string verdict) => ScoreForm().Matches(verdict).LastOrDefault() is { } match && int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) is >= 1 and <= 10 and var score ? score : null;

    [GeneratedRegex(@"(?i)score\W{0,5}([0-9]{1,2})(?![0-9.])", RegexOptions.CultureInvariant)]
    private static partial Regex ScoreForm();
}
