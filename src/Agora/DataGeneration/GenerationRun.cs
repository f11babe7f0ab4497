using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.DataGeneration;

/// <summary>Asks, reads and checks for one data set, and counts while it does.</summary>
internal sealed class GenerationRun(GenerationPlan plan, IGenerationMethod method, GenerationModels models, IProgress<GenerationProgress>? progress)
{
    private readonly InstanceChecks checks = new(plan.Setting.Domain, plan.Spec.MaxInstanceTokens, plan.CountTokens, plan.StudentSystemMessage, plan.MostTokens);
    private readonly TextFilters filters = new(plan.Spec.Filters, plan.TestSets);
    private readonly Admission admission = new(plan.Spec.Filters, models.Embeddings);
    private readonly Lock counting = new();
    private BillLine asked = BillLine.Nothing, scored = BillLine.Nothing;
    private int valid;

    /// <summary>Asks for the place until an instance is valid or the tries are used up.</summary>
    public async ValueTask FillAsync(GenerationPlace place, GenerationRound round, int tries, CancellationToken cancellationToken)
    {
        place.KeepsSeed = false;
        for (var i = 0; i < tries && place.Instance is null; i++)
        {
            place.Tries++;
            place.TriesOnSeed++;
            await TryAsync(place, round, cancellationToken);
        }
    }

    private async Task TryAsync(GenerationPlace place, GenerationRound round, CancellationToken cancellationToken)
    {
        var sources = new PromptSources
        {
            MetaPrompt = plan.MetaPrompt,
            Spec = plan.Spec,
            Seeds = plan.Seeds,
            Generated = round.Generated,
            Seed = place.Seed,
            Random = plan.Random,
            Place = place.Index,
            Try = place.Tries,
        };
        var draft = method.Ask(sources);
        var (first, completion, line, judged, verdict) = await AskAllAsync(draft, sources, cancellationToken);
        var promptHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{first.SystemMessage ?? plan.Spec.SystemMessage}\0{first.Prompt}")));
        place.JudgedLine += judged;
        if (place.Tries > 1) place.RetriedLine += line;

        if (verdict is Verdict.Reject(var rejection))
        {
            place.Reject(rejection, completion, promptHash, draft.Seed, line);
        }
        else
        {
            var pair = ((Verdict.Keep)verdict).Pair;
            place.KeptLine = line;
            place.Completion = completion;
            var total = place.Total;
            place.Instance = new SyntheticInstance
            {
                Index = place.Index,
                Instruction = pair.Instruction,
                Response = pair.Response,
                Config = plan.Generator,
                Provenance = new Provenance
                {
                    Generator = plan.Generator,
                    Setting = plan.Setting.ToString(),
                    PromptHash = promptHash,
                    Demonstrations = draft.Demonstrations,
                    Seed = draft.Seed,
                    Theme = draft.Content.Theme,
                    OpeningWords = draft.Content.OpeningWords,
                    Persona = draft.Content.Persona,
                    Evolution = draft.Content.Evolution,
                    Round = round.Number,
                    Tries = place.Tries,
                    InputTokens = total.InputTokens,
                    OutputTokens = total.OutputTokens,
                    CostDollars = Dollars(total, place.JudgedLine),
                },
            };
        }
        Count(line, judged, change: verdict is Verdict.Keep ? 1 : 0);
    }

    // Asks until the method has an instance or gives the try up. The completion is the last one of the generator, which is what an instance or a reject is read from.
    private async Task<(MethodRequest First, string Completion, BillLine Line, BillLine Judged, Verdict Verdict)> AskAllAsync(PromptDraft draft, PromptSources sources, CancellationToken cancellationToken)
    {
        var first = draft.Request ?? new MethodRequest("sampling", plan.MetaPrompt.Render(draft.Content));
        var (line, judged, written, completions) = (BillLine.Nothing, BillLine.Nothing, "", new List<string>());
        for (var request = first; ;)
        {
            var (completion, cost, fault) = await AskAsync(request, sources, cancellationToken);
            if (request.ToJudge) judged += cost;
            else (line, written) = (line + cost, completion);
            if (fault is not null) return (first, written, line, judged, new Verdict.Reject(fault));
            completions.Add(completion);
            switch (method.Read(sources, draft, completions))
            {
                case CompletionReading.AskNext(var next):
                    request = next;
                    break;
                case CompletionReading.Unreadable(var reason, var detail):
                    return (first, written, line, judged, new Verdict.Reject(new Rejection(reason, detail)));
                case CompletionReading.Pair(var pair):
                    return (first, written, line, judged, (checks.Check(pair, plan.MetaPrompt.Completion) ?? filters.Check(pair)) is { } rejection ? new Verdict.Reject(rejection) : new Verdict.Keep(pair));
            }
        }
    }

    /// <summary>Has the filters compare instances with the seeds, where seeds are what instances shall differ from.</summary>
    public Task KeepSeedsAsync(CancellationToken cancellationToken) =>
        admission.KeepAsync([.. plan.Seeds.Instances.Select(seed => (seed.Id.Value, new InstructionResponse(seed.Instruction, seed.Response ?? "")))], cancellationToken);

    /// <summary>Turns away what is too much like something kept. Places are judged in their order, once all of a round have been worked on.</summary>
    public async Task AdmitAsync(IEnumerable<GenerationPlace> members, CancellationToken cancellationToken)
    {
        var filled = members.Where(place => place.Instance is not null).OrderBy(place => place.Index).ToArray();
        var verdicts = await admission.JudgeAsync([.. filled.Select(place => (GeneratedName(place.Instance!), new InstructionResponse(place.Instance!.Instruction, place.Instance.Response)))], cancellationToken);
        foreach (var (place, verdict) in filled.Zip(verdicts))
        {
            if (verdict is null) continue;
            place.Reject(verdict, place.Completion!, place.Instance!.Provenance.PromptHash, place.Instance.Provenance.Seed, place.KeptLine);
            place.Instance = null;
            place.KeptLine = BillLine.Nothing;
            // Another answer for the same seed may differ, unless what was judged is the seed's own instruction.
            place.KeepsSeed = method.OneSeedPerPlace && method.WritesInstructions && place.TriesOnSeed < plan.Spec.TriesPerInstance;
            Count(BillLine.Nothing, BillLine.Nothing, change: -1);
        }
        foreach (var place in filled) place.Completion = null;
    }

    internal static string GeneratedName(SyntheticInstance instance) => string.Create(CultureInfo.InvariantCulture, $"generated:{instance.Index}");

    private async Task<(string Completion, BillLine Line, Rejection? Fault)> AskAsync(MethodRequest request, PromptSources sources, CancellationToken cancellationToken)
    {
        ChatResponse response;
        try
        {
            response = request.ToJudge
                ? await (models.Judge ?? throw new InvalidOperationException($"{plan.Setting} asks a judge, and none was opened")).GetResponseAsync(Messages(request), JudgeOptions(sources, request), cancellationToken)
                : await models.Generator.GetResponseAsync(Messages(request), Options(sources, request), cancellationToken);
        }
        catch (PromptRefusedException refused)
        {
            return ("", new BillLine { Completions = 1 }, new Rejection(RejectReason.PromptRefused, refused.Message));
        }
        var usage = response.Usage;
        var line = new BillLine
        {
            Completions = 1,
            InputTokens = usage?.InputTokenCount ?? 0,
            OutputTokens = usage?.OutputTokenCount ?? 0,
            CachedInputTokens = usage?.CachedInputTokenCount ?? 0,
            WithoutUsage = usage is { InputTokenCount: not null, OutputTokenCount: not null } ? 0 : 1,
        };
        return (response.Text, line, Ending(response));
    }

    private ChatMessage[] Messages(MethodRequest request)
    {
        if (request.AsUser) return plan.UserTurn is { } turn ? [new ChatMessage(ChatRole.User, turn)] : [];
        var (system, user) = (request.SystemMessage ?? plan.Spec.SystemMessage, new ChatMessage(ChatRole.User, request.Prompt));
        return system.Length == 0 ? [user] : [new ChatMessage(ChatRole.System, system), user];
    }

    // Seeds are kept to 31 bits: some endpoints take no more.
    private ChatOptions Options(PromptSources sources, MethodRequest request) => new()
    {
        Temperature = (float)plan.Spec.Temperature,
        TopP = (float)plan.Spec.TopP,
        MaxOutputTokens = plan.Spec.MaxNewTokens,
        StopSequences = [.. plan.Spec.Stop],
        Seed = sources.Stream(request.Use).NextSeed() & int.MaxValue,
        AdditionalProperties = !request.AsUser ? null : new AdditionalPropertiesDictionary { [plan.UserTurn is null ? SamplingOptions.AsUser : SamplingOptions.PlainPrompt] = true },
    };

    private ChatOptions JudgeOptions(PromptSources sources, MethodRequest request) => new()
    {
        Temperature = 0,
        MaxOutputTokens = plan.Spec.MaxNewTokens,
        Seed = sources.Stream(request.Use).NextSeed() & int.MaxValue,
    };

    private Rejection? Ending(ChatResponse response) =>
        response.FinishReason == ChatFinishReason.Length
            ? new(RejectReason.FinishedByLength, string.Create(CultureInfo.InvariantCulture, $"cut off at {plan.Spec.MaxNewTokens} new tokens or at the end of the model's context"))
        : response.FinishReason == ChatFinishReason.Stop && string.IsNullOrWhiteSpace(response.Text) ? new(RejectReason.CompletionEmpty, "the answer holds no text")
        : response.FinishReason != ChatFinishReason.Stop ? new(RejectReason.FinishedOtherwise, response.FinishReason is { } reason ? $"finish reason {reason}" : "no finish reason")
        : null;

    private decimal? Dollars(BillLine generated, BillLine judged) => judged == BillLine.Nothing ? generated.Dollars(plan.Price) : generated.Dollars(plan.Price) + judged.Dollars(plan.JudgePrice);

    private void Count(BillLine line, BillLine judged, int change)
    {
        lock (counting)
        {
            asked += line;
            scored += judged;
            valid += change;
            progress?.Report(new GenerationProgress(valid, plan.Spec.Instances, asked.Completions, asked.Completions - valid,
                asked.InputTokens, asked.OutputTokens, Dollars(asked, scored)));
        }
    }

    public GenerationOutcome Outcome(ImmutableArray<GenerationPlace> places, long completionsLeft)
    {
        var unfilled = places.Count(place => place.Instance is null);
        var rejects = places.SelectMany(place => place.Rejects).ToArray();
        return new GenerationOutcome
        {
            Instances = [.. places.Where(place => place.Instance is not null).Select(place => place.Instance!)],
            Rejects = [.. rejects.Select(reject => reject.Reject)],
            Bill = new GenerationBill
            {
                Kept = places.Select(place => place.KeptLine).Aggregate(BillLine.Nothing, BillLine.Add),
                Rejected = rejects.GroupBy(reject => reject.Reject.Reason)
                    .ToImmutableSortedDictionary(group => group.Key, group => group.Select(reject => reject.Line).Aggregate(BillLine.Add)),
                Retried = places.Select(place => place.RetriedLine).Aggregate(BillLine.Nothing, BillLine.Add),
                Judged = places.Select(place => place.JudgedLine).Aggregate(BillLine.Nothing, BillLine.Add) is { Completions: > 0 } asked ? asked : null,
                Price = plan.Price,
                JudgePrice = plan.JudgePrice,
            },
            Shortfall = unfilled == 0 ? null : Shortfall(unfilled, completionsLeft, rejects.Select(reject => reject.Reject.Reason)),
        };
    }

    private string Shortfall(int unfilled, long completionsLeft, IEnumerable<RejectReason> rejects)
    {
        var limit = completionsLeft == 0
            ? $"the limit of {DataGenerator.CompletionLimit(plan.Spec)} completions was reached"
            : $"all {plan.Seeds.Instances.Length} seeds were used up";
        var reasons = rejects.CountBy(reason => reason).OrderByDescending(count => count.Value).ThenBy(count => count.Key)
            .Take(3).Select(count => $"{count.Key.Name()} {count.Value}").ToArray();
        var rejected = reasons.Length == 0 ? "" : $"; most rejects: {string.Join(", ", reasons)}";
        return $"{plan.Spec.Instances - unfilled} of {plan.Spec.Instances} instances: {limit}{rejected}";
    }

    private abstract record Verdict
    {
        private Verdict() { }
        public sealed record Keep(InstructionResponse Pair) : Verdict;
        public sealed record Reject(Rejection Rejection) : Verdict;
    }
}
