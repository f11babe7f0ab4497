using Agora.DataGeneration;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>What a place is filled with, everything that can be there in it.</summary>
internal static class FillSample
{
    public static PlaceFill Of(int round, int place, decimal cost) => new()
    {
        Round = round,
        Place = place,
        Tries = 2,
        Completion = "c\u2028d",
        KeptLine = new BillLine { Completions = 1, InputTokens = 3 },
        RetriedLine = new BillLine { Completions = 1, OutputTokens = 4, CachedInputTokens = 5, WithoutUsage = 6, CacheWrittenTokens = 3 },
        Rejects = [new RejectedTry(new RejectedCompletion { Place = place, Try = 1, Reason = RejectReason.ResultMissing, Detail = "no", Completion = "x", PromptHash = "h", Seed = new("s:1"), InputTokens = 1, OutputTokens = 0 }, new BillLine { Completions = 1 })],
        Instance = new SyntheticInstance
        {
            Index = place,
            Instruction = "é \"quoted\" 🙂",
            Response = "r",
            Config = "gen",
            Provenance = new Provenance { Generator = "gen", Setting = "math/response_generation", PromptHash = "p", Demonstrations = ["generated:1"], Seed = new("s:2"), CostDollars = cost, Tries = 2 },
        },
    };
}
