using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Agora.Benchmarks.Judged;

/// <summary>
/// The minimum of |b|₁ + C · Σ w (log(1 + exp z) − y z) with z = b₁ t + b₂ d + b₃ m, to machine precision: the reference's solver stops earlier,
/// which moves published values by up to 0.016 points.
/// </summary>
/// <remarks>
/// Proximal Newton: the smooth part is replaced by its second-order expansion; of the L1 problem in three unknowns coordinate descent finds the signs and a
/// linear system the values; a step that does not lower the objective enough is halved. Convex, so the start decides nothing but the number of steps.
/// </remarks>
internal static class LengthControlFit
{
    private const int MostSteps = 200;
    // Steps square their distance to the minimum: one this small ends within 1e-10 of it, and needs no look from there.
    private const double LastStep = 1e-6;

    /// <param name="start">E.g. the minimum at a neighbouring C.</param>
    public static LengthControlWeights Minimum(in LengthControlRows rows, double c, LengthControlWeights start)
    {
        var at = Vector.Of(start);
        var here = Expansion.At(rows, c, at);
        for (var step = 0; step < MostSteps; step++)
        {
            var direction = here.Direction(at);
            var predicted = here.Predicted(at, direction);
            if (direction.Greatest < LastStep || predicted >= 0)
                return at.Plus(direction, 1).Weights;
            var length = 1.0;
            while (true)
            {
                var there = at.Plus(direction, length);
                var tried = Expansion.At(rows, c, there);
                // Close to the minimum the gain drowns in rounding; the full step is right there.
                if (tried.Value <= here.Value + 1e-4 * length * predicted || Math.Abs(predicted) < 1e-12 * Math.Abs(here.Value))
                {
                    (at, here) = (there, tried);
                    break;
                }
                length /= 2;
                if (length < 1e-12)
                    return at.Weights;
            }
        }
        return at.Weights;
    }

    /// <summary>Mean over the rows of w (y log q + (1 − y) log(1 − q)), q clipped to [1e-15, 1 − 1e-15].</summary>
    public static double MeanLogLikelihood(in LengthControlRows rows, LengthControlWeights at)
    {
        var sum = 0.0;
        for (var row = 0; row < rows.Count; row++)
        {
            var z = at.Length * rows.Length[row] + at.Difficulty * rows.Difficulty[row] + at.Model * rows.Model[row];
            var q = Math.Clamp(Sigmoid(z), 1e-15, 1 - 1e-15);
            sum += rows.Weight[row] * (rows.Target[row] * Math.Log(q) + (1 - rows.Target[row]) * Math.Log(1 - q));
        }
        return sum / rows.Count;
    }

    public static double Sigmoid(double z) => z >= 0 ? 1 / (1 + Math.Exp(-z)) : Math.Exp(z) / (1 + Math.Exp(z));

    /// <summary>Solves for the active unknowns; the others are 0.</summary>
    /// <param name="matrix">[3, 3], symmetric.</param>
    public static double[] ActiveSolve(double[,] matrix, double[] right, bool[] active)
    {
        var places = Enumerable.Range(0, 3).Where(i => active[i]).ToArray();
        var part = new double[places.Length, places.Length];
        for (var i = 0; i < places.Length; i++)
            for (var j = 0; j < places.Length; j++)
                part[i, j] = matrix[places[i], places[j]];
        var solved = Cholesky.Solve(part, Array.ConvertAll(places, place => right[place]));
        var solution = new double[3];
        for (var i = 0; i < places.Length; i++)
            solution[places[i]] = solved[i];
        return solution;
    }

    /// <summary>Second derivatives of Σ w (log(1 + exp z) − y z), [3, 3], symmetric.</summary>
    public static double[,] Curvature(in LengthControlRows rows, LengthControlWeights at)
    {
        var h = Expansion.At(rows, 1, Vector.Of(at));
        return new[,] { { h.H00, h.H01, h.H02 }, { h.H01, h.H11, h.H12 }, { h.H02, h.H12, h.H22 } };
    }

    private readonly record struct Vector(double B0, double B1, double B2)
    {
        public static Vector Of(LengthControlWeights weights) => new(weights.Length, weights.Difficulty, weights.Model);

        public LengthControlWeights Weights => new(B0, B1, B2);
        public double Greatest => Math.Max(Math.Abs(B0), Math.Max(Math.Abs(B1), Math.Abs(B2)));
        public double Norm1 => Math.Abs(B0) + Math.Abs(B1) + Math.Abs(B2);
        public Vector Plus(Vector other, double times) => new(B0 + times * other.B0, B1 + times * other.B1, B2 + times * other.B2);
    }

    /// <summary>Objective at a point, and gradient and second derivatives of its smooth part.</summary>
    private readonly record struct Expansion(double Value, double G0, double G1, double G2, double H00, double H01, double H02, double H11, double H12, double H22)
    {
        // Compiled well at the first call: scoring one file is over before the runtime would see that it is worth it.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static Expansion At(in LengthControlRows rows, double c, Vector b)
        {
            Vector256<double> f = default, g0 = default, g1 = default, g2 = default, h00 = default, h01 = default, h02 = default, h11 = default, h12 = default, h22 = default;
            var (b0, b1, b2, one) = (Vector256.Create(b.B0), Vector256.Create(b.B1), Vector256.Create(b.B2), Vector256<double>.One);
            var width = Vector256<double>.Count;
            var whole = rows.Count / width * width;
            Span<double> tail = stackalloc double[5 * width];
            for (var row = 0; row < rows.Count; row += width)
            {
                Vector256<double> t, d, m, y, w;
                if (row < whole)
                    (t, d, m, y, w) = (Load(rows.Length, row), Load(rows.Difficulty, row), Load(rows.Model, row), Load(rows.Target, row), Load(rows.Weight, row));
                else
                {
                    tail.Clear();       // rows of weight 0
                    rows.Length.AsSpan(row).CopyTo(tail);
                    rows.Difficulty.AsSpan(row).CopyTo(tail[width..]);
                    rows.Model.AsSpan(row).CopyTo(tail[(2 * width)..]);
                    rows.Target.AsSpan(row).CopyTo(tail[(3 * width)..]);
                    rows.Weight.AsSpan(row).CopyTo(tail[(4 * width)..]);
                    var five = MemoryMarshal.Cast<double, Vector256<double>>(tail);
                    (t, d, m, y, w) = (five[0], five[1], five[2], five[3], five[4]);
                }
                var z = b0 * t + b1 * d + b2 * m;
                var e = Vector256.Exp(-Vector256.Abs(z));
                var p = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(z, Vector256<double>.Zero), one, e) / (one + e);
                f += w * (Vector256.Max(z, Vector256<double>.Zero) + Vector256.Log(one + e) - y * z);
                var r = w * (p - y);
                g0 += r * t;
                g1 += r * d;
                g2 += r * m;
                var h = w * p * (one - p);
                var (ht, hd) = (h * t, h * d);
                h00 += ht * t;
                h01 += ht * d;
                h02 += ht * m;
                h11 += hd * d;
                h12 += hd * m;
                h22 += h * m * m;
            }
            return new Expansion(b.Norm1 + c * Vector256.Sum(f), c * Vector256.Sum(g0), c * Vector256.Sum(g1), c * Vector256.Sum(g2),
                c * Vector256.Sum(h00), c * Vector256.Sum(h01), c * Vector256.Sum(h02), c * Vector256.Sum(h11), c * Vector256.Sum(h12), c * Vector256.Sum(h22));
        }

        /// <summary>The step to the minimum of expansion plus |b|₁.</summary>
        public Vector Direction(Vector at)
        {
            double x0 = at.B0, x1 = at.B1, x2 = at.B2;
            for (var sweep = 1; sweep <= 2000; sweep++)
            {
                var (d0, d1, d2) = (x0 - at.B0, x1 - at.B1, x2 - at.B2);
                var n0 = Shrunk(x0, G0 + H00 * d0 + H01 * d1 + H02 * d2, H00);
                d0 = n0 - at.B0;
                var n1 = Shrunk(x1, G1 + H01 * d0 + H11 * d1 + H12 * d2, H11);
                d1 = n1 - at.B1;
                var n2 = Shrunk(x2, G2 + H02 * d0 + H12 * d1 + H22 * d2, H22);
                var moved = Math.Max(Math.Abs(n0 - x0), Math.Max(Math.Abs(n1 - x1), Math.Abs(n2 - x2)));
                (x0, x1, x2) = (n0, n1, n2);
                if (moved < 1e-15)
                    break;
                // The descent knows the signs long before it knows the values.
                if (sweep % 4 == 0 && WithSigns(at, x0, x1, x2) is { } exact)
                    return new Vector(exact.B0 - at.B0, exact.B1 - at.B1, exact.B2 - at.B2);
            }
            return new Vector(x0 - at.B0, x1 - at.B1, x2 - at.B2);
        }

        /// <summary>The minimum among points with the signs of x; null where it has other signs, or a coefficient that is held at 0 would leave it.</summary>
        private Vector? WithSigns(Vector at, double x0, double x1, double x2)
        {
            double[] x = [x0, x1, x2];
            double[,] h = { { H00, H01, H02 }, { H01, H11, H12 }, { H02, H12, H22 } };
            double[] pull = [H00 * at.B0 + H01 * at.B1 + H02 * at.B2 - G0, H01 * at.B0 + H11 * at.B1 + H12 * at.B2 - G1, H02 * at.B0 + H12 * at.B1 + H22 * at.B2 - G2];
            var found = ActiveSolve(h, [pull[0] - Math.Sign(x0), pull[1] - Math.Sign(x1), pull[2] - Math.Sign(x2)], [x0 != 0, x1 != 0, x2 != 0]);
            for (var i = 0; i < 3; i++)
            {
                if (Math.Sign(found[i]) != Math.Sign(x[i]))
                    return null;
                if (x[i] == 0 && Math.Abs(pull[i] - h[i, 0] * found[0] - h[i, 1] * found[1] - h[i, 2] * found[2]) > 1)
                    return null;
            }
            return new Vector(found[0], found[1], found[2]);
        }

        /// <summary>Change of the objective that the expansion promises for the step, without the quadratic term; not positive.</summary>
        public double Predicted(Vector at, Vector step) => G0 * step.B0 + G1 * step.B1 + G2 * step.B2 + at.Plus(step, 1).Norm1 - at.Norm1;

        // A column of zeros has no curvature, and its coefficient stays at the penalty's minimum.
        private static double Shrunk(double x, double gradient, double curvature)
        {
            if (curvature < 1e-300)
                return 0;
            var free = x - gradient / curvature;
            return Math.CopySign(Math.Max(Math.Abs(free) - 1 / curvature, 0), free);
        }

        private static Vector256<double> Load(double[] column, int row) => Vector256.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(column), (nuint)row);
    }
}
