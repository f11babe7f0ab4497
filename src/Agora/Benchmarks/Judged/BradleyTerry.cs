namespace Agora.Benchmarks.Judged;

/// <param name="First">Number of a player.</param>
/// <param name="Second">Number of another.</param>
/// <param name="FirstWins">Battles that the first won; ties count half.</param>
/// <param name="SecondWins">Likewise.</param>
internal readonly record struct PairRecord(int First, int Second, double FirstWins, double SecondWins);

/// <summary>Maximum-likelihood ratings of players from battles between any pairs (Bradley and Terry 1952), without regularisation, one player pinned.</summary>
/// <remarks>
/// Where all battles are against the pinned player a rating has a closed form, <see cref="EloScale.Rating"/>, which a test holds against this. A rating is finite only
/// where chains of wins lead both from the player to the pinned one and back (Ford 1957).
/// </remarks>
internal static class BradleyTerry
{
    private const double PointsPerLogit = 400 / 2.302585092994046;      // 400 / ln 10

    /// <returns>[player] the rating on the Elo scale; null where no finite one exists.</returns>
    public static double?[] Fit(int players, int pinned, IReadOnlyList<PairRecord> records)
    {
        var beats = new List<int>[players];
        var beatenBy = new List<int>[players];
        for (var player = 0; player < players; player++)
            (beats[player], beatenBy[player]) = ([], []);
        foreach (var record in records)
        {
            if (record.FirstWins > 0)
                Edge(record.First, record.Second);
            if (record.SecondWins > 0)
                Edge(record.Second, record.First);
        }
        var (down, up) = (Reached(pinned, beats), Reached(pinned, beatenBy));
        var free = Enumerable.Range(0, players).Where(player => player != pinned && down[player] && up[player]).ToArray();
        var place = Enumerable.Repeat(-1, players).ToArray();
        for (var i = 0; i < free.Length; i++)
            place[free[i]] = i;
        var kept = records.Where(record => Rated(record.First) && Rated(record.Second)).ToArray();
        var logits = Newton(free.Length, kept, place);
        return [.. Enumerable.Range(0, players).Select(player => player == pinned ? EloScale.Baseline : place[player] >= 0 ? EloScale.Baseline + PointsPerLogit * logits[place[player]] : (double?)null)];

        bool Rated(int player) => player == pinned || place[player] >= 0;

        void Edge(int winner, int loser)
        {
            beats[winner].Add(loser);
            beatenBy[loser].Add(winner);
        }
    }

    private static bool[] Reached(int from, List<int>[] edges)
    {
        var seen = new bool[edges.Length];
        var open = new Stack<int>([from]);
        seen[from] = true;
        while (open.TryPop(out var player))
            foreach (var next in edges[player])
                if (!seen[next])
                {
                    seen[next] = true;
                    open.Push(next);
                }
        return seen;
    }

    private static double[] Newton(int unknowns, PairRecord[] records, int[] place)
    {
        var at = new double[unknowns];
        if (unknowns == 0)
            return at;
        double Logit(double[] ratings, int player) => place[player] < 0 ? 0 : ratings[place[player]];
        double Loss(double[] ratings) => records.Sum(record =>
        {
            var z = Logit(ratings, record.First) - Logit(ratings, record.Second);
            return (record.FirstWins + record.SecondWins) * (Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z)))) - record.FirstWins * z;
        });
        var loss = Loss(at);
        for (var step = 0; step < 200; step++)
        {
            var gradient = new double[unknowns];
            var hessian = new double[unknowns, unknowns];
            foreach (var record in records)
            {
                var p = LengthControlFit.Sigmoid(Logit(at, record.First) - Logit(at, record.Second));
                var games = record.FirstWins + record.SecondWins;
                var (slope, curve) = (games * p - record.FirstWins, games * p * (1 - p));
                var (a, b) = (place[record.First], place[record.Second]);
                if (a >= 0)
                    (gradient[a], hessian[a, a]) = (gradient[a] + slope, hessian[a, a] + curve);
                if (b >= 0)
                    (gradient[b], hessian[b, b]) = (gradient[b] - slope, hessian[b, b] + curve);
                if (a >= 0 && b >= 0)
                    (hessian[a, b], hessian[b, a]) = (hessian[a, b] - curve, hessian[b, a] - curve);
            }
            var direction = Cholesky.Solve(hessian, gradient);
            var length = 1.0;
            while (true)
            {
                var next = at.Select((value, i) => value - length * direction[i]).ToArray();
                var tried = Loss(next);
                if (tried <= loss + 1e-12 * Math.Abs(loss) || length < 1e-6)
                {
                    (at, loss) = (next, tried);
                    break;
                }
                length /= 2;
            }
            if (direction.Max(Math.Abs) < 1e-12)
                break;
        }
        return at;
    }
}
