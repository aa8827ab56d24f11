# Some seconds of a test picture, scaled, coloured and coded by two threads; a sum for each frame.
exec ffmpeg -nostdin -loglevel error -threads 2 \
    -f lavfi -i testsrc2=size=320x240:rate=25:duration="$1" \
    -vf scale=256:192,hue=s=0.5 -c:v mpeg4 -slices 2 -threads 2 -flags +bitexact -f framemd5 -
