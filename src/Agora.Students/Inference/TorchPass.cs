using System.Collections.Concurrent;
using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;
using Agora.Students.Training;
using TorchSharp;
using static TorchSharp.torch;
using RotaryTable = Agora.Students.Inference.Kernels.RotaryTable;

namespace Agora.Students.Inference;

/// <summary>A step as torch operations: projections over all rows at once, attention by groups of sequences with equally many new positions and about as many pages.</summary>
internal sealed class TorchPass : BatchPass
{
    private const int CpuRows = 256, CudaRows = 2048;
    // Logits come back to the host in float32; a whole prompt's would be gigabytes.
    private const int HeadRows = 64;
    // Logits below which one thread draws sooner than several are woken.
    private const int LogitsForThreads = 1 << 18;

    private readonly TorchModel model;
    private readonly TorchPages store;
    private readonly int threads;
    private readonly RotaryTable rotary;
    private readonly Scalar normEpsilon;
    private readonly ConcurrentBag<TokenDistribution> scratches = [];
    private Tensor? hidden;     // [rows, hidden], between Compute and Deliver

    public TorchPass(TorchModel model, KeyValueCache cache, TorchPages store, int threads)
        : base(cache, model.Config, model.Folder, model.Device.type == DeviceType.CPU ? CpuRows : CudaRows)
    {
        this.model = model;
        this.store = store;
        this.threads = threads;
        rotary = new RotaryTable(model.Config.RopeFrequencies());
        normEpsilon = model.Config.NormEpsilon;
    }

    private TransformerConfig Config => model.Config;

    public override void Dispose()
    {
        hidden?.Dispose();
        rotary.Dispose();
        normEpsilon.Dispose();
    }

    protected override void Compute()
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var places = Places();
        var groups = Group();
        var (cosines, sines) = Angles();
        var tokens = new long[Rows];
        for (var row = 0; row < Rows; row++)
            tokens[row] = RowSequence[row].Tokens[RowPosition[row]];
        var rows = model.Piece("embedding")!.index_select(0, OnDevice(tokens, Rows));
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            using var inner = NewDisposeScope();
            var next = rows.add(Attention(layer, Norm(rows, model.Piece($"{layer}.attention_norm")!), places, groups, cosines, sines), HeldScalars.One);
            next = next.add(FeedForward(layer, Norm(next, model.Piece($"{layer}.feed_forward_norm")!)), HeldScalars.One);
            rows = next.MoveToOuterDisposeScope();
        }
        hidden?.Dispose();
        hidden = rows.DetachFromDisposeScope();
    }

    protected override void Deliver(Action<Sequence> finished)
    {
        using var noGradient = no_grad();
        var waiting = new List<int>(HeadRows);
        for (var row = 0; row < Rows; row++)
        {
            switch (Wanted(row))
            {
                case RowResult.Hidden:
                    Hand([row], Final, finished);
                    break;
                case RowResult.Head:
                    waiting.Add(row);
                    if (waiting.Count < HeadRows)
                        break;
                    Hand(waiting, Head, finished);
                    waiting.Clear();
                    break;
            }
        }
        if (waiting.Count > 0)
            Hand(waiting, Head, finished);
    }

    private Tensor Final(Tensor rows) => Norm(rows, model.Piece("final_norm")!);

    private Tensor Head(Tensor rows) => nn.functional.linear(Final(rows), model.Piece("head") ?? model.Piece("embedding")!);

    private void Hand(List<int> rows, Func<Tensor, Tensor> toResult, Action<Sequence> finished)
    {
        using var scope = NewDisposeScope();
        var result = toResult(hidden!.index_select(0, OnDevice([.. rows.Select(row => (long)row)], rows.Count))).to(ScalarType.Float32).cpu().contiguous();
        var (values, width) = (TensorFloats.StartOf(result), (int)result.shape[1]);
        if (threads == 1 || (long)rows.Count * width < LogitsForThreads)
        {
            for (var i = 0; i < rows.Count; i++)
                Hand(rows[i], Of(i), finished);
            return;
        }
        // Each sequence has its random stream, so that it makes no difference which thread draws; its own rows come in their order.
        var ended = new bool[rows.Count];
        var firsts = Enumerable.Range(0, rows.Count).Where(i => i == 0 || !ReferenceEquals(RowSequence[rows[i]], RowSequence[rows[i - 1]])).ToArray();
        Parallel.For(0, firsts.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, () => scratches.TryTake(out var kept) ? kept : new TokenDistribution(Config.VocabularySize), (run, _, scratch) =>
        {
            for (var i = firsts[run]; i < (run + 1 < firsts.Length ? firsts[run + 1] : rows.Count); i++)
                ended[i] = Give(rows[i], Of(i), scratch);
            return scratch;
        }, scratches.Add);
        for (var i = 0; i < rows.Count; i++)
        {
            if (ended[i])
                finished(RowSequence[rows[i]]);
        }

        unsafe Span<float> Of(int i) => new((float*)values + (long)i * width, width);
    }

    /// <summary>Where each row's key and value go: position within all pages. int64 [rows].</summary>
    private Tensor Places()
    {
        var places = new long[Rows];
        for (var row = 0; row < Rows; row++)
            places[row] = (long)RowSequence[row].Pages[RowPosition[row] / AttentionKernels.Page] * AttentionKernels.Page + RowPosition[row] % AttentionKernels.Page;
        return OnDevice(places, Rows);
    }

    /// <summary>Cosines and sines of the rows' positions, float32 [rows, 1, D / 2] each.</summary>
    private unsafe (Tensor, Tensor) Angles()
    {
        var half = Config.HeadSize / 2;
        float[] cosines = new float[Rows * half], sines = new float[Rows * half];
        for (var row = 0; row < Rows; row++)
        {
            var angles = rotary.At(RowPosition[row]);
            new ReadOnlySpan<float>(angles, half).CopyTo(cosines.AsSpan(row * half, half));
            new ReadOnlySpan<float>(angles + half, half).CopyTo(sines.AsSpan(row * half, half));
        }
        return (tensor(cosines, Rows, 1, half, device: model.Device), tensor(sines, Rows, 1, half, device: model.Device));
    }

    /// <summary>Sequences that attend together.</summary>
    /// <param name="New">Rows of each.</param>
    /// <param name="Rows">int64 [sequences × New]: their rows.</param>
    /// <param name="Pages">int64 [sequences × pages]: their pages; where one has fewer, its last is repeated and masked.</param>
    /// <param name="Masks">By window (0: none), float32 [sequences, 1, New × group, pages × 16]: 0 where a query sees a key, minus infinity elsewhere.</param>
    private sealed record AttentionGroup(int Sequences, int New, int PageCount, Tensor Rows, Tensor Pages, Dictionary<int, Tensor> Masks);

    private List<AttentionGroup> Group()
    {
        var runs = new List<(int FirstRow, int Count)>();
        for (var row = 0; row < Rows; row++)
        {
            if (row > 0 && ReferenceEquals(RowSequence[row], RowSequence[row - 1]))
                runs[^1] = (runs[^1].FirstRow, runs[^1].Count + 1);
            else
                runs.Add((row, 1));
        }
        var groups = new List<AttentionGroup>();
        // Padded to the longest of a group, so that a group may differ by a factor of two in length.
        foreach (var group in runs.GroupBy(run => (run.Count, int.Log2(PagesOf(run)))))
        {
            var members = group.ToList();
            var pageCount = members.Max(PagesOf);
            var rows = members.SelectMany(run => Enumerable.Range(run.FirstRow, run.Count)).Select(row => (long)row).ToArray();
            var pages = new long[members.Count * pageCount];
            for (var s = 0; s < members.Count; s++)
            {
                var own = RowSequence[members[s].FirstRow].Pages;
                var count = PagesOf(members[s]);
                for (var i = 0; i < pageCount; i++)
                    pages[s * pageCount + i] = own[Math.Min(i, count - 1)];
            }
            var masks = new Dictionary<int, Tensor>();
            foreach (var window in Config.AttentionWindows.Select(window => window ?? 0).Distinct())
                masks.Add(window, Mask(members, pageCount, window));
            groups.Add(new AttentionGroup(members.Count, members[0].Count, pageCount, OnDevice(rows, rows.Length), OnDevice(pages, pages.Length), masks));
        }
        return groups;

        int PagesOf((int FirstRow, int Count) run) => RowPosition[run.FirstRow + run.Count - 1] / AttentionKernels.Page + 1;
    }

    private Tensor Mask(List<(int FirstRow, int Count)> members, int pageCount, int window)
    {
        var (count, length, shared) = (members[0].Count, pageCount * AttentionKernels.Page, Config.Heads / Config.KeyValueHeads);
        var values = new float[members.Count * count * length];
        Array.Fill(values, float.NegativeInfinity);
        for (var s = 0; s < members.Count; s++)
        {
            for (var i = 0; i < count; i++)
            {
                var position = RowPosition[members[s].FirstRow + i];
                var first = window == 0 ? 0 : Math.Max(0, position - window + 1);
                values.AsSpan((s * count + i) * length + first, position - first + 1).Clear();
            }
        }
        // Query heads that share keys stand beside each other on the query axis.
        return tensor(values, [members.Count, 1, count, 1, length], device: model.Device).expand(members.Count, 1, count, shared, length).reshape(members.Count, 1, count * shared, length).to(model.Type);
    }

    private Tensor Attention(int layer, Tensor normed, Tensor places, List<AttentionGroup> groups, Tensor cosines, Tensor sines)
    {
        int heads = Config.Heads, keyValueHeads = Config.KeyValueHeads, shared = heads / keyValueHeads, D = Config.HeadSize;
        var projected = nn.functional.linear(normed, model.Piece($"{layer}.qkv.weight")!, model.Piece($"{layer}.qkv.bias")).view(Rows, heads + 2 * keyValueHeads, D);
        var queries = projected.narrow(1, 0, heads);                                            // [rows, heads, D]
        var keys = projected.narrow(1, heads, keyValueHeads);                                   // [rows, kv, D]
        if (Config.QueryKeyNorm)
            (queries, keys) = (Norm(queries, model.Piece($"{layer}.query_norm")!), Norm(keys, model.Piece($"{layer}.key_norm")!));
        (queries, keys) = (Rotate(queries, cosines, sines), Rotate(keys, cosines, sines));
        var allKeys = store.Keys.select(0, layer);                                              // [pages, 16, kv, D]
        var allValues = store.Values.select(0, layer);
        allKeys.view(-1, keyValueHeads, D).index_copy_(0, places, keys);
        allValues.view(-1, keyValueHeads, D).index_copy_(0, places, projected.narrow(1, heads + keyValueHeads, keyValueHeads).contiguous());

        var mixed = empty([Rows, heads * D], model.Type, model.Device);
        foreach (var group in groups)
        {
            using var scope = NewDisposeScope();
            int S = group.Sequences, N = group.New, L = group.PageCount * AttentionKernels.Page;
            var q = queries.index_select(0, group.Rows).view(S, N, keyValueHeads, shared, D).permute(0, 2, 1, 3, 4).reshape(S, keyValueHeads, N * shared, D);
            var k = allKeys.index_select(0, group.Pages).view(S, L, keyValueHeads, D).transpose(1, 2);
            var v = allValues.index_select(0, group.Pages).view(S, L, keyValueHeads, D).transpose(1, 2);
            var attended = nn.functional.scaled_dot_product_attention(q, k, v, group.Masks[Config.AttentionWindows[layer] ?? 0]);       // [S, kv, N × shared, D]
            attended = attended.view(S, keyValueHeads, N, shared, D).permute(0, 2, 1, 3, 4).reshape(S * N, heads * D);
            mixed.index_copy_(0, group.Rows, attended);
        }
        return nn.functional.linear(mixed, model.Piece($"{layer}.output.weight")!, model.Piece($"{layer}.output.bias"));
    }

    private Tensor FeedForward(int layer, Tensor normed)
    {
        var gateAndUp = nn.functional.linear(normed, model.Piece($"{layer}.gate_up.weight")!, model.Piece($"{layer}.gate_up.bias"));
        var gate = gateAndUp.narrow(1, 0, Config.IntermediateSize);
        var up = gateAndUp.narrow(1, Config.IntermediateSize, Config.IntermediateSize);
        return nn.functional.linear(nn.functional.silu(gate) * up, model.Piece($"{layer}.down.weight")!, model.Piece($"{layer}.down.bias"));
    }

    // In float32, and the weight multiplied after the way back, as the reference does.
    private Tensor Norm(Tensor values, Tensor weight)
    {
        var wide = values.to(ScalarType.Float32);
        return (wide * rsqrt((wide * wide).mean([-1], keepdim: true).add(normEpsilon, HeldScalars.One))).to(model.Type) * weight;
    }

    // Element i of a head turns together with element i + D/2; in float32, as bfloat16 cannot tell neighbouring angles apart.
    private Tensor Rotate(Tensor values, Tensor cosines, Tensor sines)
    {
        var half = Config.HeadSize / 2;
        var first = values.narrow(2, 0, half).to(ScalarType.Float32);
        var second = values.narrow(2, half, half).to(ScalarType.Float32);
        return cat([first * cosines - second * sines, second * cosines + first * sines], 2).to(model.Type);
    }

    private Tensor OnDevice(long[] values, long count) => tensor(values, [count], device: model.Device);
}
