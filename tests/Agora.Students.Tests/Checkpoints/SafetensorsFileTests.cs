using System.Buffers.Binary;
using System.Text;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using CsCheck;

namespace Agora.Tests.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_bit_by_bit() =>
        Gen.Select(Gen.Single.Array[0, 40], Gen.Single.Array[1, 40]).Sample((first, second) =>
        {
            var path = folder.File($"{Guid.NewGuid()}.safetensors");
            SafetensorsWriter.Write(path,
            [
                TensorToSave.Of("z", [first.Length], FloatType.F32, first),
                TensorToSave.Of("a", [1, second.Length], FloatType.F32, second),
            ]);
            using var file = SafetensorsFile.Open(path);
            Assert.Equal(first.Select(BitConverter.SingleToInt32Bits), file.Read(file.Tensors["z"]).Select(BitConverter.SingleToInt32Bits));
            Assert.Equal(second.Select(BitConverter.SingleToInt32Bits), file.Read(file.Tensors["a"]).Select(BitConverter.SingleToInt32Bits));
        }, iter: 30);

    [Fact]
    public void Bfloat16_rounds_to_nearest_with_ties_to_even()
    {
        // One unit in the last of bfloat16's 8 bits above 1 is 1/128.
        float[] values = [1f, 1f + 1f / 256, 1f + 3f / 256, 1f + 1.01f / 256, float.NaN, float.NegativeInfinity];
        Assert.Equal([1f, 1f, 1f + 4f / 256, 1f + 2f / 256, float.NaN, float.NegativeInfinity], RoundTrip(FloatType.BF16, values));
    }

    [Fact]
    public void Sixteen_bit_weights_survive_a_round_trip_through_float32() =>
        Gen.Select(Gen.Bool.Select(half => half ? FloatType.F16 : FloatType.BF16), Gen.UShort.Array[1, 30]).Sample((type, bits) =>
        {
            var stored = new byte[2 * bits.Length];
            for (var i = 0; i < bits.Length; i++)
                BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(2 * i), bits[i]);
            var values = new float[bits.Length];
            type.Widen(stored, values);
            var again = new byte[stored.Length];
            type.Narrow(values, again);
            for (var i = 0; i < bits.Length; i++)
                Assert.True(float.IsNaN(values[i]) || stored.AsSpan(2 * i, 2).SequenceEqual(again.AsSpan(2 * i, 2)));
        });

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""", 16, "takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", 8, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}""", 16, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}""", 16, "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}}""", 16, "negative")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,16]}}""", 16, "overflows")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[4],"data_offsets":[0,16]}}""", 16, "unknown dtype Q4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4]}}""", 16, "data_offsets")]
    [InlineData("""{"a":7}""", 16, "dtype")]
    [InlineData("""[]""", 0, "not a JSON object")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "hole of 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 12, "belong to none")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not valid JSON")]
    public void A_header_that_contradicts_itself_or_the_file_is_refused(string header, int dataBytes, string expected)
    {
        var exception = Assert.Throws<AgoraException>(() => OpenRaw((ulong)header.Length, header, dataBytes));
        Assert.Contains(expected, exception.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 62)]
    public void A_header_longer_than_the_file_is_refused(ulong length) =>
        Assert.Contains("header claims", Assert.Throws<AgoraException>(() => OpenRaw(length, "{}", 0)).What, StringComparison.Ordinal);

    [Fact]
    public void Mutated_files_are_read_or_refused_but_never_crash()
    {
        var path = folder.File("whole.safetensors");
        SafetensorsWriter.Write(path, [TensorToSave.Of("a", [2, 3], FloatType.F32, new float[6]), TensorToSave.Of("b", [4], FloatType.BF16, new float[4])]);
        var whole = File.ReadAllBytes(path);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[0, whole.Length]).Sample((place, value, length) =>
        {
            var mutated = whole[..length];
            if (place < length)
                mutated[place] = value;
            var mutant = folder.File("mutant.safetensors");
            File.WriteAllBytes(mutant, mutated);
            try
            {
                using var file = SafetensorsFile.Open(mutant);
                foreach (var tensor in file.Tensors.Values.Where(t => FloatType.Named(t.Type) is not null))
                    Assert.Equal(tensor.Elements, file.Read(tensor).Length);
            }
            catch (AgoraException)
            {
                // refused with a reason
            }
        }, threads: 1, iter: 2000);
    }

    private float[] RoundTrip(FloatType type, float[] values)
    {
        var path = folder.File("round.safetensors");
        SafetensorsWriter.Write(path, [TensorToSave.Of("w", [values.Length], type, values)]);
        using var file = SafetensorsFile.Open(path);
        return file.Read(file.Tensors["w"]);
    }

    private void OpenRaw(ulong headerLength, string header, int dataBytes)
    {
        var path = folder.File("raw.safetensors");
        var bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, headerLength);
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(8));
        File.WriteAllBytes(path, bytes);
        SafetensorsFile.Open(path).Dispose();
    }
}
