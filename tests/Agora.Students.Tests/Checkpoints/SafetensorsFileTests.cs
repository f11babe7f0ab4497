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
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "named twice")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "needs one dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "needs one dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}""", 4, "needs one dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[[[[[[[1]]]]]]]]],"data_offsets":[0,4]}}""", 4, "needs one dtype")]
    [InlineData("""{"__metadata__":{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":1}}}}}}}}}}""", 0, "not valid JSON")]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not valid text")]
    [InlineData("""{} x""", 0, "not valid JSON")]
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

    // Six million tensors of no size: as a tree with a fault or an entry for each, this header would take gigabytes.
    [Theory]
    [InlineData("{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", "more than 200000 tensors")]
    [InlineData("{\"dtype\":\"F7\",\"shape\":[0],\"data_offsets\":[0,0]}", "unknown dtype F7")]
    public void A_header_with_millions_of_tensors_is_refused_in_little_memory(string entry, string expected)
    {
        var header = new StringBuilder("{");
        for (var i = 0; i < 1_000_000; i++)
            header.Append(i == 0 ? "" : ",").Append('"').Append(i).Append("\":").Append(entry);
        var json = header.Append('}').ToString();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Assert.Throws<AgoraException>(() => OpenRaw((ulong)json.Length, json, 0)).What, StringComparison.Ordinal);
        // The header itself, here and in OpenRaw, and the entries up to the limit.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2L * json.Length + 150_000_000);
    }

    [Fact]
    public void Stored_bytes_can_be_read_in_parts()
    {
        var path = folder.File("stored.safetensors");
        SafetensorsWriter.Write(path, [TensorToSave.Of("w", [3], FloatType.BF16, new float[] { 1, 2, 3 })]);
        using var file = SafetensorsFile.Open(path);
        var bytes = new byte[4];
        file.ReadStored(file.Tensors["w"], 2, bytes);
        Assert.Equal([0x00, 0x40, 0x40, 0x40], bytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadStored(file.Tensors["w"], 4, bytes));
    }

    // A mapped file that is cut short ends the process.
    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    public void A_file_that_is_cut_short_while_it_is_open_is_an_error(string type)
    {
        var path = folder.File("cut.safetensors");
        SafetensorsWriter.Write(path, [TensorToSave.Of("w", [1 << 20], FloatType.Named(type)!, new float[1 << 20])]);
        using var file = SafetensorsFile.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            other.SetLength(other.Length - 100_000);
        var error = Assert.Throws<AgoraException>(() => file.Read(file.Tensors["w"]));
        Assert.Contains("cut short", error.What, StringComparison.Ordinal);
        Assert.Contains("cut.safetensors", error.Where, StringComparison.Ordinal);
        Assert.Throws<AgoraException>(() => file.ReadStored(file.Tensors["w"], file.Tensors["w"].Length - 8, new byte[8]));
    }

    // Long enough for the vectors and for what is left over after them.
    [Fact]
    public void Every_bit_pattern_of_a_sixteen_bit_type_widens_as_its_definition_says()
    {
        var stored = new byte[2 * 65536 + 6];
        for (var i = 0; i < stored.Length / 2; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(2 * i), (ushort)i);
        var values = new float[stored.Length / 2];
        FloatType.BF16.Widen(stored, values);
        Assert.All(values.Index(), entry => Assert.Equal((uint)(ushort)entry.Index << 16, BitConverter.SingleToUInt32Bits(entry.Item)));
        FloatType.F16.Widen(stored, values);
        Assert.All(values.Index(), entry => Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)entry.Index), entry.Item));
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
