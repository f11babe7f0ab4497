using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Agora.LanguageModels;

/// <summary>Keeps the losses of every conversation in a journal, and computes those alone that the journal lacks.</summary>
/// <param name="identity">Of the model and of all that decides its losses besides the conversation.</param>
public sealed class JournaledLikelihood(ILikelihoodModel inner, IJournal journal, string identity) : ILikelihoodModel
{
    public Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
        JournaledPairs.ReadAsync(pairs, journal, $"likelihood\0{identity}", inner.TokenLossesAsync, cancellationToken);
}

/// <summary>Keeps every reward in a journal, and computes those alone that the journal lacks.</summary>
/// <param name="identity">Of the model.</param>
public sealed class JournaledRewards(IRewardModel inner, IJournal journal, string identity) : IRewardModel
{
    public async Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
        [.. (await JournaledPairs.ReadAsync(pairs, journal, $"reward\0{identity}", async (missing, stop) => (IReadOnlyList<float[]>)[.. (await inner.ScoreAsync(missing, stop)).Select(reward => (float[])[reward])], cancellationToken)).Select(reward => reward[0])];
}

file static class JournaledPairs
{
    public static async Task<IReadOnlyList<float[]>> ReadAsync(
        IReadOnlyList<(string Instruction, string Response)> pairs, IJournal journal, string what,
        Func<IReadOnlyList<(string Instruction, string Response)>, CancellationToken, Task<IReadOnlyList<float[]>>> compute, CancellationToken cancellationToken)
    {
        string[] keys = [.. pairs.Select(pair => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{what}\0{pair.Instruction}\0{pair.Response}"))))];
        int[] missing = [.. Enumerable.Range(0, pairs.Count).Where(place => !journal.TryGet(keys[place], out _)).DistinctBy(place => keys[place])];
        if (missing.Length > 0)
            foreach (var (place, values) in missing.Zip(await compute([.. missing.Select(place => pairs[place])], cancellationToken)))
                journal.Append(keys[place], Convert.ToBase64String(MemoryMarshal.AsBytes(values.AsSpan())));
        return
        [
            .. keys.Select(key => journal.TryGet(key, out var record)
                ? MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(record)).ToArray()
                : throw new InvalidOperationException("a value that was just written is not in the journal")),
        ];
    }
}
