// Sumdb checks the log of a collection of a hub by the packages that Go's checksum database is read with.
//
// It knows nothing of Scamfeed: the head is opened as a signed note, each entry is proven to be in the tree, and the
// tree to begin with the one that was seen last, whose head the file of -state has. The paths of tiles are those of
// C2SP tlog-tiles, which leave out the height.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func main() {
	url := flag.String("log", "", "the address of the log, ending in /log/")
	key := flag.String("key", "", "the public key of the hub's logs")
	state := flag.String("state", "", "the file that has the head that was seen last")
	flag.Parse()
	log := &servedLog{*url, "Bearer " + os.Getenv("TOKEN"), &http.Client{Timeout: 30 * time.Second}}
	if err := check(log, *key, *state); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(log *servedLog, key, state string) error {
	signed, err := log.get("checkpoint")
	if err != nil {
		return err
	}
	origin, tree, err := open(signed, key)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, log)
	before := tlog.Tree{}
	if seen, err := os.ReadFile(state); err == nil {
		if _, before, err = open(seen, key); err != nil {
			return err
		}
		if err := follow(before, tree, hashes); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := proveEntries(log, tree, hashes); err != nil {
		return err
	}
	fmt.Printf("%s: %d entries proven, which go on from %d\n", origin, tree.N, before.N)
	return os.WriteFile(state, signed, 0o600)
}

// open returns the name and the tree of a head that the key signed, as it is printed: the hub's, or that of one log.
func open(signed []byte, key string) (string, tlog.Tree, error) {
	origin, _, _ := strings.Cut(string(signed), "\n")
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	if origin != verifier.Name() && !strings.HasPrefix(origin, verifier.Name()+"/") {
		return "", tlog.Tree{}, errors.New("the log is not of the hub that the key is of")
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return "", tlog.Tree{}, errors.New("the note is no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return origin, tlog.Tree{N: size, Hash: root}, err
}

// follow checks that the tree begins with the one before.
func follow(before, tree tlog.Tree, hashes tlog.HashReader) error {
	if tree.N < before.N {
		return fmt.Errorf("the log went back from %d to %d entries", before.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return fmt.Errorf("the log has another past than before: %w", err)
	}
	return nil
}

// proveEntries checks of each entry that is served that the tree has it, at its place.
func proveEntries(log *servedLog, tree tlog.Tree, hashes tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += width {
		bundle := tlog.Tile{H: height, L: -1, N: first / width, W: int(min(width, tree.N-first))}
		data, err := log.get(pathOf(bundle))
		if err != nil {
			return err
		}
		for place := range bundle.W {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("the bundle of entries from %d is too short", first)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			index := first + int64(place)
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(data[2:end])); err != nil {
				return fmt.Errorf("entry %d is not the one in the tree: %w", index, err)
			}
			data = data[end:]
		}
		if len(data) > 0 {
			return fmt.Errorf("the bundle of entries from %d is too long", first)
		}
	}
	return nil
}

// servedLog reads what a hub serves of a log; what was read is not kept.
type servedLog struct {
	url, authorization string
	client             *http.Client
}

func (log *servedLog) get(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, log.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", log.authorization)
	answer, err := log.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d", path, answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 1<<20))
}

// Height returns the height of the tiles, by which the reader of hashes asks for them.
func (log *servedLog) Height() int { return height }

// ReadTiles returns tiles of hashes as they are served; the reader checks them against the tree.
func (log *servedLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for number, tile := range tiles {
		var err error
		if data[number], err = log.get(pathOf(tile)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// SaveTiles keeps nothing.
func (log *servedLog) SaveTiles([]tlog.Tile, [][]byte) {}

// pathOf returns the path of a tile in C2SP tlog-tiles, which knows one height and calls what Go calls data entries.
func pathOf(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tile.H), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}
