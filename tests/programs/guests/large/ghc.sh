# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# GHC: a program with its threaded run-time system and two collectors, and the
# interpreter.
set -e
cat >h.hs <<'C'
import Control.Concurrent
import Control.Monad
import qualified Data.Map as M
import System.Exit
import System.Process

main :: IO ()
main = do
  vs <- forM [1 .. 8] $ \i -> do
    v <- newEmptyMVar
    _ <- forkIO (putMVar v $! sum [1 .. i * 100000])
    return v
  mapM takeMVar vs >>= print . (id :: [Integer] -> [Integer])
  print (M.foldr (+) 0 (M.fromList [(i, i * i) | i <- [1 .. 50000 :: Int]]))
  threadDelay 20000
  readProcess "sh" ["-c", "cat; echo done"] "in " >>= putStr
  getNumCapabilities >>= print
  exitWith (ExitFailure 6)
C
ghc -v0 -O1 -threaded -rtsopts h.hs -o h
./h +RTS -N2 -A1m || echo $?
./h +RTS -N4 --nonmoving-gc || echo $?
printf "%s\n" ":type map" "1 + 1" | ghci -v0
