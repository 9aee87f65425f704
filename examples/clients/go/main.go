// A file service that hands each upload to the queue document-processing, and asks how
// the job is.
//
//	RUNNER_URL=http://127.0.0.1:3000 go run . report.pdf
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Runner is the HTTP API of a Runner.
type Runner struct {
	URL, Token string
	HTTP       http.Client
}

// Job is what the API says of a job.
type Job struct {
	JobID string `json:"jobId"`
	Queue string `json:"queue"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// Problem is what the API says when it refuses a request (RFC 9457).
type Problem struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer"`
}

func (r *Runner) do(method, path, key string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, r.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		// Sent twice, it is added once.
		request.Header.Set("Idempotency-Key", key)
	}
	if r.Token != "" {
		request.Header.Set("Authorization", "Bearer "+r.Token)
	}
	response, err := r.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var problem Problem
		_ = json.NewDecoder(response.Body).Decode(&problem)
		return fmt.Errorf("%s: %s %s", response.Status, problem.Detail, problem.Pointer)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// UploadDocument adds a job for a file that has come.
func (r *Runner) UploadDocument(documentID, userID, filename string, size int64) (job Job, err error) {
	jobData := map[string]any{
		"documentId": documentID,
		"userId":     userID,
		"filename":   filename,
		"mimeType":   mime.TypeByExtension(filepath.Ext(filename)),
		"fileSize":   size,
	}
	err = r.do("POST", "/api/jobs/document-processing", documentID, jobData, &job)
	return job, err
}

// Status asks how a job is.
func (r *Runner) Status(job Job) (now Job, err error) {
	err = r.do("GET", "/api/jobs/status/"+job.Queue+"/"+job.JobID, "", nil, &now)
	return now, err
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FILE")
	}
	url := os.Getenv("RUNNER_URL")
	if url == "" {
		url = "http://127.0.0.1:3000"
	}
	runner := Runner{URL: url, Token: os.Getenv("RUNNER_TOKEN"), HTTP: http.Client{Timeout: 10 * time.Second}}
	file := filepath.Base(os.Args[1])
	job, err := runner.UploadDocument("doc-"+file, "a81bc81b-dead-4e5d-abff-90865d1e13b1", file, 1024000)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("added", job.Queue, job.Name, job.JobID, job.State)
	if job, err = runner.Status(job); err != nil {
		log.Fatal(err)
	}
	fmt.Println("now", job.State)
}
