using System.Diagnostics;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Tests.Fuzzing;

/// <param name="What">The exception and where it arose, or the time or memory taken.</param>
internal sealed record FuzzFinding(string What, byte[] Input);

/// <summary>Feeds a reader with mutated files. It may accept them or refuse them with an <see cref="AgoraException"/>; anything else is a finding, and so are much time and memory.</summary>
/// <remarks>
/// Inputs whose outcome is new (the text of the refusal without names and numbers) join the pool that is mutated: a coarse kind of guidance, which needs no instrumented build.
/// </remarks>
internal sealed partial class ReaderFuzzer(FuzzTarget target, int seed)
{
    private const int LargestPool = 3000;
    private static readonly TimeSpan LongestTime = TimeSpan.FromSeconds(10);
    private const long MostBytes = 1L << 30;

    private readonly Random random = new(seed);
    private readonly List<byte[]> pool = [.. target.Seeds];
    private readonly HashSet<string> outcomes = [];

    public long Executions { get; private set; }

    /// <summary>Kinds of outcome seen: acceptance and the different refusals.</summary>
    public int Outcomes => outcomes.Count;

    /// <param name="beforeEach">Told each input before it is read, so that it is known if the process dies of it.</param>
    /// <returns>One finding of each kind.</returns>
    public IReadOnlyList<FuzzFinding> Run(Func<bool> goOn, Action<byte[]>? beforeEach = null)
    {
        var mutator = new Mutator(random, target.Words);
        var findings = new Dictionary<string, FuzzFinding>();
        foreach (var input in target.Seeds)
            Try(input);
        while (goOn())
            Try(mutator.Mutate(pool[random.Next(pool.Count)], pool[random.Next(pool.Count)]));
        return [.. findings.Values];

        void Try(byte[] input)
        {
            beforeEach?.Invoke(input);
            Executions++;
            var (outcome, isFinding) = Execute(input);
            if (isFinding)
                findings.TryAdd(outcome, new FuzzFinding(outcome, input));
            if (outcomes.Add(outcome) && pool.Count < LargestPool)
                pool.Add(input);
        }
    }

    private (string Outcome, bool IsFinding) Execute(byte[] input)
    {
        var clock = Stopwatch.StartNew();
        var before = GC.GetAllocatedBytesForCurrentThread();
        string outcome;
        try
        {
            target.Read(input);
            outcome = $"accepted {input.Length / 256}";
        }
        catch (AgoraException refusal)
        {
            // The beginning tells the kinds apart; what follows is the input's own.
            outcome = Variable().Replace(refusal.What[..Math.Min(refusal.What.Length, 160)], "_");
        }
        catch (Exception fault)
        {
            var place = new StackTrace(fault).GetFrames().Select(frame => frame.GetMethod()).FirstOrDefault(method => method?.DeclaringType?.Namespace?.StartsWith("Agora.Students", StringComparison.Ordinal) == true);
            return ($"{fault.GetType().Name} in {place?.DeclaringType?.Name}.{place?.Name}: {Variable().Replace(fault.Message, "_")}", true);
        }
        if (clock.Elapsed > LongestTime)
            return ($"took {clock.Elapsed.TotalSeconds:F0} s: {outcome}", true);
        if (GC.GetAllocatedBytesForCurrentThread() - before > MostBytes)
            return ($"allocated more than {MostBytes >> 20} MB: {outcome}", true);
        return (outcome, false);
    }

    // Names in quotes and numbers differ from input to input.
    [GeneratedRegex("""[0-9]+|"[^"]*"|'[^']*'|\S*[^\x20-\x7e]\S*""")]
    private static partial Regex Variable();
}
