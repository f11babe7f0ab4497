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
internal sealed class GenerationRun(GenerationPlan plan, IGenerationMethod method, GenerationModels models, IFillStore fills, IProgress<GenerationProgress>? progress)
{
    private readonly InstanceChecks checks = new(plan.Setting.Domain, plan.Spec.MaxInstanceTokens, plan.CountTokens, plan.StudentSystemMessage, plan.MostTokens);
    private readonly TextFilters filters = new(plan.Spec.Filters, plan.TestSets);
    private readonly Admission admission = new(plan.Spec.Filters, models.Embeddings);
    private readonly Lock counting = new();
    private readonly SortedDictionary<RejectReason, (int Count, BillLine Line)> rejected = [];
    private BillLine asked = BillLine.Nothing, scored = BillLine.Nothing, kept = BillLine.Nothing, retried = BillLine.Nothing;
    private int valid;

    /// <summary>Asks for the place until an instance is valid or the tries are used up; or finds what an earlier process filled it with.</summary>
    public async ValueTask FillAsync(GenerationPlace place, GenerationRound round, int tries, CancellationToken cancellationToken)
    {
        place.KeepsSeed = false;
        var tally = fills.Tally(round.Number, place.Index);
        if (tally is null)
        {
            var work = new PlaceFill { Round = round.Number, Place = place.Index, Tries = 0 };
            while (work.Tries < tries && work.Instance is null) work = await TryAsync(place, work, round, cancellationToken);
            fills.Keep(work);
            tally = work.Tally;
        }
        else
        {
            place.Tries += tally.Tries;
            place.TriesOnSeed += tally.Tries;
            if (tally.JudgedLine != BillLine.Nothing) place.JudgedLine = (place.JudgedLine ?? BillLine.Nothing) + tally.JudgedLine;
            foreach (var reject in tally.Rejects) place.Reject(reject.Line);
            Count(tally.RejectedLine + tally.KeptLine, tally.JudgedLine, change: tally.IsFilled ? 1 : 0);
        }
        place.End(tally);
        lock (counting)
        {
            kept += tally.KeptLine;
            retried += tally.RetriedLine;
            foreach (var (reason, line) in tally.Rejects) AddReject(reason, line);
        }
    }

    private void AddReject(RejectReason reason, BillLine line)
    {
        var (count, sum) = rejected.GetValueOrDefault(reason, (0, BillLine.Nothing));
        rejected[reason] = (count + 1, sum + line);
    }

    private async Task<PlaceFill> TryAsync(GenerationPlace place, PlaceFill fill, GenerationRound round, CancellationToken cancellationToken)
    {
        place.Tries++;
        place.TriesOnSeed++;
        var sources = new PromptSources
        {
            MetaPrompt = plan.MetaPrompt,
            Spec = plan.Spec,
            Seeds = plan.Seeds,
            Generated = round.Generated,
            Seed = place.Seed < 0 ? null : plan.Seeds.Instances[place.Seed],
            Random = plan.Random,
            Place = place.Index,
            Try = place.Tries,
        };
        var draft = method.Ask(sources);
        var (first, completion, line, judged, verdict) = await AskAllAsync(draft, sources, cancellationToken);
        var promptHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{first.SystemMessage ?? plan.Spec.SystemMessage}\0{first.Prompt}")));
        if (judged != BillLine.Nothing) place.JudgedLine = (place.JudgedLine ?? BillLine.Nothing) + judged;
        fill = fill with
        {
            Tries = fill.Tries + 1,
            JudgedLine = fill.JudgedLine + judged,
            RetriedLine = place.Tries > 1 ? fill.RetriedLine + line : fill.RetriedLine,
        };
        if (verdict is Verdict.Reject(var rejection))
        {
            place.Reject(line);
            fill = fill with
            {
                Rejects = fill.Rejects.Add(new RejectedTry(new RejectedCompletion
                {
                    Place = place.Index,
                    Try = place.Tries,
                    Reason = rejection.Reason,
                    Detail = rejection.Detail,
                    Completion = completion,
                    PromptHash = promptHash,
                    Seed = draft.Seed,
                    InputTokens = line.InputTokens,
                    OutputTokens = line.OutputTokens,
                }, line)),
            };
        }
        else
        {
            var pair = ((Verdict.Keep)verdict).Pair;
            var total = place.RejectedLine + line;
            var instance = new SyntheticInstance
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
                    CostDollars = Dollars(total, place.JudgedLine ?? BillLine.Nothing),
                },
            };
            fill = fill with { Instance = instance, KeptLine = line, Completion = admission.JudgesAny ? completion : null };
        }
        Count(line, judged, change: verdict is Verdict.Keep ? 1 : 0);
        return fill;
    }

    // Asks until the method has an instance or gives the try up. The completion is the last one of the generator, which is what an instance or a reject is read from.
    private async Task<(MethodRequest First, string Completion, BillLine Line, BillLine Judged, Verdict Verdict)> AskAllAsync(PromptDraft draft, PromptSources sources, CancellationToken cancellationToken)
    {
        var first = draft.Request ?? new MethodRequest("sampling", plan.MetaPrompt.Render(draft.Content));
        var (line, judged, written, completions) = (BillLine.Nothing, BillLine.Nothing, "", new List<string>());
        for (var request = first; ;)
        {
            var (completion, cost, fault) = await AskAsync(request, sources, cancellationToken);
            if (request.Rated is not null) { }     // a model of this process, which nobody pays
            else if (request.ToJudge) judged += cost;
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
        admission.KeepAsync(plan.Seeds.Instances.Select(seed => (seed.Id.Value, new InstructionResponse(seed.Instruction, seed.Response ?? ""))), cancellationToken);

    /// <summary>Turns away what is too much like something kept. Places are judged in their order, once all of a round have been worked on.</summary>
    public async Task AdmitAsync(IEnumerable<GenerationPlace> members, CancellationToken cancellationToken)
    {
        if (!admission.JudgesAny) return;
        // One block at a time is in memory.
        foreach (var block in members.Where(place => place.IsFilled).OrderBy(place => place.Index).Chunk(Admission.Block))
        {
            PlaceFill[] filled = [.. block.Select(place => fills.Read(place.KeptRound, place.Index))];
            var verdicts = await admission.JudgeAsync([.. filled.Select(fill => (GeneratedName(fill.Instance!), new InstructionResponse(fill.Instance!.Instruction, fill.Instance.Response)))], cancellationToken);
            foreach (var (place, fill, verdict) in block.Zip(filled, verdicts))
            {
                if (verdict is null) continue;
                place.TurnAway(fill, verdict);
                // Another answer for the same seed may differ, unless what was judged is the seed's own instruction.
                place.KeepsSeed = method.OneSeedPerPlace && method.WritesInstructions && place.TriesOnSeed < plan.Spec.TriesPerInstance;
                lock (counting)
                {
                    kept -= fill.KeptLine;
                    AddReject(verdict.Reason, fill.KeptLine);
                }
                Count(BillLine.Nothing, BillLine.Nothing, change: -1);
            }
        }
    }

    internal static string GeneratedName(SyntheticInstance instance) => string.Create(CultureInfo.InvariantCulture, $"generated:{instance.Index}");

    private async Task<(string Completion, BillLine Line, Rejection? Fault)> AskAsync(MethodRequest request, PromptSources sources, CancellationToken cancellationToken)
    {
        if (request.Rated is { } rated)
        {
            var reward = await (models.Reward ?? throw new InvalidOperationException($"{plan.Setting} asks a reward model, and none was opened")).ScoreAsync([(rated.Instruction, rated.Response)], cancellationToken);
            return (reward[0].ToString("R", CultureInfo.InvariantCulture), BillLine.Nothing, null);
        }
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
            CacheWrittenTokens = CacheWrites.Of(usage),
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
        ResponseFormat = request.AsUser || plan.MetaPrompt.Completion.Schema is not { } schema ? null : ChatResponseFormat.ForJsonSchema(schema, "instance"),
        AdditionalProperties = !request.AsUser ? method.RepeatsPrompt ? new AdditionalPropertiesDictionary { [SamplingOptions.CachePrompt] = true } : null
            : new AdditionalPropertiesDictionary { [plan.UserTurn is null ? SamplingOptions.AsUser : SamplingOptions.PlainPrompt] = true },
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

    public StoredGeneration Outcome(ImmutableArray<GenerationPlace> places, long completionsLeft)
    {
        var filled = places.Count(place => place.IsFilled);
        return new StoredGeneration
        {
            Valid = filled,
            Places = places.Where(place => place.IsFilled).Select(place => (place.KeptRound, place.Index)),
            Rejects = places.Where(place => place.HasRejects).SelectMany(place => place.Rejects(fills)),
            Bill = new GenerationBill
            {
                Kept = kept,
                Rejected = rejected.ToImmutableSortedDictionary(reason => reason.Key, reason => reason.Value.Line),
                Retried = retried,
                Judged = scored is { Completions: > 0 } ? scored : null,
                Price = plan.Price,
                JudgePrice = plan.JudgePrice,
            },
            Shortfall = filled == places.Length ? null : Shortfall(places.Length - filled, completionsLeft),
        };
    }

    private string Shortfall(int unfilled, long completionsLeft)
    {
        var limit = completionsLeft == 0
            ? $"the limit of {DataGenerator.CompletionLimit(plan.Spec)} completions was reached"
            : $"all {plan.Seeds.Instances.Count} seeds were used up";
        var reasons = rejected.OrderByDescending(reason => reason.Value.Count).ThenBy(reason => reason.Key)
            .Take(3).Select(reason => $"{reason.Key.Name()} {reason.Value.Count}").ToArray();
        var turnedAway = reasons.Length == 0 ? "" : $"; most rejects: {string.Join(", ", reasons)}";
        return $"{plan.Spec.Instances - unfilled} of {plan.Spec.Instances} instances: {limit}{turnedAway}";
    }

    private abstract record Verdict
    {
        private Verdict() { }
        public sealed record Keep(InstructionResponse Pair) : Verdict;
        public sealed record Reject(Rejection Rejection) : Verdict;
    }
}
